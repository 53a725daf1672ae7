// Streams of frames over real sockets on the loopback interface.
#include "net/tcp_media_streams.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>

#include "net/egress.h"
#include "net/tcp_acceptor.h"
#include "tests/support/run_until.h"

namespace simpul::net {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Address kLoopback = Address::v4({127, 0, 0, 1}, 0);

bool begins_with_200(Bytes packet) { return packet[0] == 200; }

std::vector<uint8_t> small(uint8_t first) { return std::vector<uint8_t>(kFrameSizeMin, first); }

// Our end accepts, theirs connects; both are streams of frames.
class TcpMediaStreamsTest : public ::testing::Test {
 protected:
  struct End {
    End(EventLoop& loop, PacketPool& pool)
        : streams(loop, pool,
                  {.on_packet =
                       [this](uint32_t, const Address&, const PacketRef& packet) {
                         received.emplace_back(packet->data().begin(), packet->data().end());
                         if (on_packet) on_packet();
                       },
                   .on_unusable = [this](uint32_t number) { unusable.push_back(number); },
                   .on_ended = [this](uint32_t number, const Address&) { ended.push_back(number); },
                   .is_media = begins_with_200}) {}
    TcpMediaStreams streams;
    Egress egress{streams};
    uint32_t stream = 0;
    std::vector<std::vector<uint8_t>> received{};
    std::vector<uint32_t> unusable{};
    std::vector<uint32_t> ended{};
    std::function<void()> on_packet{};

    void put(Bytes packet) {
      const MutableBytes room = egress.reserve(packet.size());
      std::ranges::copy(packet, room.begin());
      egress.commit(packet.size(), TcpMediaStreams::address_of(stream));
    }
  };

  void SetUp() override {
    auto acceptor = TcpAcceptor::listen(loop_, kLoopback, budget_, [this](TcpDescriptor accepted) {
      accepted_.emplace(std::move(accepted));
    });
    ASSERT_TRUE(acceptor.has_value()) << acceptor.error();
    acceptor_ = std::move(*acceptor);
    auto connecting = TcpDescriptor::connect(acceptor_->local_address(), budget_);
    ASSERT_TRUE(connecting.has_value()) << connecting.error();
    their_fd_ = connecting->fd();
    const int small = 8'192;
    setsockopt(their_fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    theirs_.stream = theirs_.streams.add(std::move(*connecting));
    ASSERT_TRUE(run_until([this] { return accepted_.has_value(); }));
    ours_.stream = ours_.streams.add(std::move(*accepted_));
  }

  bool run_until(const std::function<bool()>& done) {
    return simpul::testing::run_until(loop_, done);
  }

  // As many frames as it takes until some wait, from a peer that reads nothing.
  void fill() {
    const std::vector<uint8_t> media(1'200, 200);
    while (ours_.streams.statistics().dropped_slow == 0) {
      for (int i = 0; i < 100; ++i) ours_.put(media);
      ours_.egress.flush();
    }
  }

  TcpBudget budget_{16};
  EventLoop loop_;
  PacketPool pool_{1'024};
  std::unique_ptr<TcpAcceptor> acceptor_;
  std::optional<TcpDescriptor> accepted_;
  End ours_{loop_, pool_};
  End theirs_{loop_, pool_};
  int their_fd_ = -1;
};

TEST_F(TcpMediaStreamsTest, CarriesRunsAndSinglePacketsBothWays) {
  for (uint8_t i = 0; i < 40; ++i) ours_.put(std::vector<uint8_t>(1'000, i));  // one run
  ours_.put(small(3));
  EXPECT_EQ(ours_.egress.statistics().system_calls, 0u);
  ours_.egress.flush();
  theirs_.put(small(9));
  theirs_.egress.flush();
  ASSERT_TRUE(run_until([&] { return theirs_.received.size() >= 41 && !ours_.received.empty(); }));
  for (uint8_t i = 0; i < 40; ++i) {
    EXPECT_EQ(theirs_.received[i], std::vector<uint8_t>(1'000, i));
  }
  EXPECT_EQ(theirs_.received[40], small(3));
  EXPECT_THAT(ours_.received, ElementsAre(small(9)));
  EXPECT_EQ(ours_.egress.statistics().datagrams, 41u);
}

TEST_F(TcpMediaStreamsTest, SendsMoreThanASocketTakesInOrder) {
  for (uint32_t i = 0; i < 180; ++i) {
    std::vector<uint8_t> packet(1'000 + i % 7);
    store_be32(std::span(packet).first<4>(), i);
    ours_.put(packet);
    if (i % 50 == 0) ours_.egress.flush();
  }
  ours_.egress.flush();
  EXPECT_GT(ours_.streams.bytes_waiting(ours_.stream), 0u);
  ASSERT_TRUE(run_until([&] { return theirs_.received.size() == 180; }));
  for (uint32_t i = 0; i < 180; ++i) {
    EXPECT_EQ(load_be32(std::span<const uint8_t>(theirs_.received[i]).first<4>()), i);
    EXPECT_EQ(theirs_.received[i].size(), 1'000 + i % 7);
  }
  EXPECT_EQ(ours_.streams.bytes_waiting(ours_.stream), 0u);
  EXPECT_EQ(ours_.streams.statistics().dropped_slow, 0u);
}

TEST_F(TcpMediaStreamsTest, DropsMediaOfASlowReaderButNotWhatIsNone) {
  fill();
  const size_t waiting = ours_.streams.bytes_waiting(ours_.stream);
  EXPECT_LE(waiting, FrameQueue::kMediaBytesMax);
  EXPECT_GT(waiting, FrameQueue::kMediaBytesMax - 2'000);
  ours_.put(small(20));
  ours_.egress.flush();
  EXPECT_EQ(ours_.streams.bytes_waiting(ours_.stream), waiting + small(20).size() + 2);
  EXPECT_FALSE(ours_.egress.blocked());
  // It reads again: what was kept comes whole.
  ASSERT_TRUE(
      run_until([&] { return !theirs_.received.empty() && theirs_.received.back() == small(20); }));
  theirs_.received.pop_back();
  for (const auto& packet : theirs_.received) {
    EXPECT_EQ(packet, std::vector<uint8_t>(1'200, 200));
  }
}

TEST_F(TcpMediaStreamsTest, EndsAStreamWhosePeerHasNotReadForFiveSeconds) {
  fill();
  ours_.streams.close_stalled(EventLoop::clock_now() + 4'900ms);
  EXPECT_EQ(ours_.streams.size(), 1u);
  ours_.streams.close_stalled(EventLoop::clock_now() + 5s);
  EXPECT_THAT(ours_.ended, ElementsAre(ours_.stream));
  EXPECT_EQ(ours_.streams.size(), 0u);
  EXPECT_EQ(ours_.streams.statistics().stalled, 1u);
}

TEST_F(TcpMediaStreamsTest, HandsOverSoManyPacketsATurnHoweverSmallTheyAre) {
  constexpr size_t kCount = 5'000;
  for (size_t i = 0; i < kCount; ++i) theirs_.put(small(static_cast<uint8_t>(i)));
  theirs_.egress.flush();
  size_t before = 0;
  size_t most = 0;
  loop_.before_sleep([&] {
    most = std::max(most, ours_.received.size() - std::exchange(before, ours_.received.size()));
  });
  ASSERT_TRUE(run_until([&] { return ours_.received.size() == kCount; }));
  loop_.before_sleep({});
  // Between two sleeps there may be one turn of what was read and one of what is left of it.
  EXPECT_LE(most, 2 * TcpMediaStreams::kPacketsPerTurn);
  for (size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(ours_.received[i], small(static_cast<uint8_t>(i)));
  }
}

TEST_F(TcpMediaStreamsTest, ForgetsWhatItHasReadOfAStreamThatIsClosed) {
  for (size_t i = 0; i < 1'000; ++i) theirs_.put(small(1));
  theirs_.egress.flush();
  constexpr size_t kUntil = TcpMediaStreams::kPacketsPerTurn + 10;  // in its second turn
  ours_.on_packet = [this] {
    if (ours_.received.size() == kUntil) ours_.streams.close(ours_.stream);
  };
  ASSERT_TRUE(run_until([&] { return !theirs_.ended.empty(); }));
  EXPECT_EQ(ours_.received.size(), kUntil);
  EXPECT_EQ(pool_.in_use(), 0u);
}

TEST_F(TcpMediaStreamsTest, SkipsWhatIsTooSmallForAPacketAndCountsIt) {
  for (int i = 0; i < 1'000; ++i) theirs_.put(std::vector<uint8_t>{1});
  theirs_.put(small(2));
  theirs_.egress.flush();
  ASSERT_TRUE(run_until([&] { return !ours_.received.empty(); }));
  EXPECT_THAT(ours_.received, ElementsAre(small(2)));
  EXPECT_EQ(ours_.streams.statistics().in.dropped_runt, 1'000u);
  ASSERT_TRUE(run_until([&] { return !ours_.unusable.empty(); }));
  EXPECT_THAT(ours_.unusable, Each(ours_.stream));
  EXPECT_TRUE(theirs_.unusable.empty());
  EXPECT_EQ(ours_.streams.statistics().in.frames, 1u);
}

TEST_F(TcpMediaStreamsTest, KeepsAnIdleStreamForEver) {
  ours_.streams.close_stalled(EventLoop::clock_now() + 1h);
  EXPECT_EQ(ours_.streams.size(), 1u);
}

TEST_F(TcpMediaStreamsTest, TellsOnceThatThePeerEndedAndGivesTheDescriptorBack) {
  theirs_.streams.close(theirs_.stream);
  ASSERT_TRUE(run_until([&] { return !ours_.ended.empty(); }));
  EXPECT_THAT(ours_.ended, ElementsAre(ours_.stream));
  EXPECT_EQ(ours_.streams.size(), 0u);
  EXPECT_EQ(budget_.open, 0u);
  EXPECT_EQ(theirs_.ended.size(), 0u);
  ours_.put(std::vector<uint8_t>{1});
  ours_.egress.flush();
  EXPECT_EQ(ours_.streams.statistics().dropped_gone, 1u);
}

TEST_F(TcpMediaStreamsTest, OutlivesAResetInTheMiddleOfAFrame) {
  const std::vector<uint8_t> half = {0, 100, 1, 2, 3};
  ASSERT_EQ(::send(their_fd_, half.data(), half.size(), 0), 5);
  ASSERT_TRUE(run_until([&] { return pool_.in_use() == 1; }));
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(their_fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  theirs_.streams.close(theirs_.stream);
  ASSERT_TRUE(run_until([&] { return !ours_.ended.empty(); }));
  EXPECT_TRUE(ours_.received.empty());
  EXPECT_EQ(pool_.in_use(), 0u);
  EXPECT_EQ(budget_.open, 0u);
}

TEST_F(TcpMediaStreamsTest, NamesStreamsByAddressesThatNoHostHas) {
  const Address address = TcpMediaStreams::address_of(65'537);
  EXPECT_EQ(address.to_string(), "[100::1:1]:0");
  const std::vector<uint8_t> packet = {1};
  const OutgoingMessage message{packet, 0, Address::v4({127, 0, 0, 1}, 9)};
  EXPECT_EQ(ours_.streams.send_messages({&message, 1}), 1);
  EXPECT_EQ(ours_.streams.statistics().dropped_gone, 1u);
}

TEST_F(TcpMediaStreamsTest, KnowsBothEnds) {
  EXPECT_EQ(ours_.streams.local_address(ours_.stream), acceptor_->local_address());
  EXPECT_FALSE(ours_.streams.local_address(1).has_value());
}

TEST(TcpAcceptor, SaysWhyItCannotListen) {
  EventLoop loop;
  TcpBudget budget(4);
  const auto first = TcpAcceptor::listen(loop, kLoopback, budget, [](TcpDescriptor) {});
  ASSERT_TRUE(first.has_value());
  const auto second =
      TcpAcceptor::listen(loop, (*first)->local_address(), budget, [](TcpDescriptor) {});
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error(), HasSubstr((*first)->local_address().to_string()));
}

}  // namespace
}  // namespace simpul::net
