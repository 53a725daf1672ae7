#include "net/egress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "tests/support/allocation_counter.h"
#include "tests/support/fake_datagram_sender.h"

namespace simpul::net {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr size_t kSmallArena = 1000;

Address viewer(uint16_t index) { return Address::v4({192, 0, 2, 1}, index); }

class EgressTest : public ::testing::Test {
 protected:
  // A datagram whose first byte tells which one it is.
  static bool send(Egress& egress, uint8_t name, size_t size, const Address& to) {
    const MutableBytes room = egress.reserve(size);
    if (room.empty()) return false;
    std::ranges::fill(room, name);
    egress.commit(size, to);
    return true;
  }
  bool send(uint8_t name, size_t size, uint16_t to) {
    return send(egress_, name, size, viewer(to));
  }
  std::vector<uint8_t> names() const {
    std::vector<uint8_t> all;
    for (const auto& datagram : sender_.datagrams()) all.push_back(datagram.front());
    return all;
  }

  testing::FakeDatagramSender sender_;
  Egress egress_{sender_};
};

TEST_F(EgressTest, SendsAFrameAsOneMessage) {
  for (uint8_t name = 0; name < 8; ++name) send(name, 1200, 1);
  egress_.flush();
  ASSERT_THAT(sender_.sent, SizeIs(1));
  EXPECT_EQ(sender_.sent[0].segment_size, 1200);
  EXPECT_THAT(names(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(egress_.statistics().datagrams, 8u);
  EXPECT_EQ(egress_.statistics().messages, 1u);
  EXPECT_EQ(egress_.statistics().bytes, 9600u);
  EXPECT_EQ(egress_.statistics().messages_by_datagrams[8], 1u);
  EXPECT_TRUE(egress_.empty());
}

TEST_F(EgressTest, SendsEachDatagramFromTheLocalAddressThatItWasGiven) {
  for (const uint16_t from : std::initializer_list<uint16_t>{2, 2, 1, 2}) {
    ASSERT_FALSE(egress_.reserve(100).empty());
    egress_.commit(100, viewer(1), from);
  }
  sender_.run_error = EIO;  // so that one is sent again plainly
  egress_.flush();
  std::vector<uint16_t> froms;
  for (const auto& message : sender_.sent) froms.push_back(message.from);
  EXPECT_THAT(froms, ElementsAre(2, 2, 1, 2));
}

TEST_F(EgressTest, SendsASingleDatagramWithoutASegmentSize) {
  send(1, 1200, 1);
  egress_.flush();
  ASSERT_THAT(sender_.sent, SizeIs(1));
  EXPECT_EQ(sender_.sent[0].segment_size, 0);
}

TEST_F(EgressTest, SendsAFrameToManyViewersInOneCallForEach64OfThem) {
  for (uint16_t to = 0; to < 130; ++to) {
    for (uint8_t name = 0; name < 8; ++name) send(name, 1200, to);
  }
  egress_.flush();
  EXPECT_THAT(sender_.batch_sizes, ElementsAre(64, 64, 2));
  EXPECT_EQ(egress_.statistics().system_calls, 3u);
  EXPECT_THAT(sender_.datagrams(), SizeIs(1040));
}

TEST_F(EgressTest, MakesNoCallWhenThereIsNothingToSend) {
  egress_.flush();
  EXPECT_EQ(sender_.calls, 0u);
}

TEST_F(EgressTest, GoesOnBehindWhatTheKernelTookOfABatch) {
  sender_.unreachable = {viewer(3)};
  for (uint8_t name = 1; name <= 5; ++name) send(name, 100, name);
  egress_.flush();
  EXPECT_THAT(names(), ElementsAre(1, 2, 4, 5));
  EXPECT_EQ(egress_.statistics().dropped_unreachable, 1u);
  EXPECT_TRUE(egress_.empty());
}

TEST_F(EgressTest, DropsAllDatagramsOfARunToAnUnreachableDestination) {
  sender_.unreachable = {viewer(1)};
  for (uint8_t name = 0; name < 5; ++name) send(name, 100, 1);
  egress_.flush();
  EXPECT_EQ(egress_.statistics().dropped_unreachable, 5u);
  EXPECT_EQ(egress_.statistics().refused_runs, 0u);
}

TEST_F(EgressTest, DropsADatagramThatIsTooLargeForTheRouteAndSendsTheRest) {
  sender_.datagram_max = 1400;
  send(1, 100, 1);
  send(2, 1500, 1);
  send(3, 100, 1);
  egress_.flush();
  EXPECT_THAT(names(), ElementsAre(1, 3));
  EXPECT_EQ(egress_.statistics().dropped_too_large, 1u);
}

TEST_F(EgressTest, TriesAgainAfterAnInterruptedCall) {
  sender_.errors = {EINTR};
  send(1, 100, 1);
  egress_.flush();
  EXPECT_THAT(names(), ElementsAre(1));
}

TEST_F(EgressTest, KeepsTheTailInOrderWhenTheSocketIsFull) {
  sender_.room = 2;
  for (uint8_t name = 1; name <= 4; ++name) send(name, 100, name);
  egress_.flush();
  EXPECT_THAT(names(), ElementsAre(1, 2));
  EXPECT_TRUE(egress_.blocked());
  EXPECT_EQ(sender_.notifications_asked, 1u);

  send(5, 100, 5);
  sender_.room = testing::FakeDatagramSender::kUnlimited;
  egress_.on_writable();
  EXPECT_THAT(names(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_FALSE(egress_.blocked());
  EXPECT_TRUE(egress_.empty());
}

TEST_F(EgressTest, MakesNoCallWhileTheSocketIsFull) {
  sender_.room = 0;
  send(1, 100, 1);
  egress_.flush();
  egress_.flush();
  EXPECT_EQ(sender_.calls, 1u);
  EXPECT_EQ(egress_.statistics().would_block, 1u);
}

TEST_F(EgressTest, AsksAgainWhenTheSocketIsStillFull) {
  sender_.room = 0;
  send(1, 100, 1);
  egress_.flush();
  egress_.on_writable();
  EXPECT_TRUE(egress_.blocked());
  EXPECT_EQ(sender_.notifications_asked, 2u);
}

TEST_F(EgressTest, IsBoundedByItsMemoryWhileTheSocketIsFull) {
  Egress egress(sender_, kSmallArena);
  sender_.room = 0;
  for (uint8_t name = 0; name < 10; ++name) EXPECT_TRUE(send(egress, name, 100, viewer(name)));
  egress.flush();
  EXPECT_FALSE(send(egress, 10, 100, viewer(10)));
  EXPECT_EQ(egress.room(), 0u);
  EXPECT_EQ(egress.statistics().dropped_arena_full, 1u);

  sender_.room = 6;
  egress.on_writable();
  EXPECT_TRUE(egress.blocked());
  EXPECT_EQ(egress.room(), 600u);
  EXPECT_TRUE(send(egress, 11, 100, viewer(11)));
  sender_.room = testing::FakeDatagramSender::kUnlimited;
  egress.on_writable();
  EXPECT_THAT(names(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11));
}

TEST_F(EgressTest, KeepsTheLastOfItsMemoryForOthersWhileTheSocketIsFull) {
  Egress egress(sender_, kSmallArena);
  EXPECT_FALSE(egress.reserve(900, 200).empty());  // it is not full
  sender_.room = 0;
  for (uint8_t name = 0; name < 7; ++name) send(egress, name, 100, viewer(name));
  egress.flush();
  EXPECT_FALSE(egress.reserve(100, 200).empty());
  EXPECT_TRUE(egress.reserve(101, 200).empty());
  EXPECT_EQ(egress.statistics().dropped_arena_full, 1u);
  EXPECT_FALSE(egress.reserve(300).empty());
}

class EgressRefusedRunTest : public EgressTest, public ::testing::WithParamInterface<int> {};

TEST_P(EgressRefusedRunTest, SendsARefusedRunPlainlyAndRemembersTheDestination) {
  sender_.run_error = GetParam();
  for (uint8_t name = 0; name < 4; ++name) send(name, 100, 1);
  egress_.flush();
  EXPECT_THAT(names(), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(sender_.sent, SizeIs(4));
  EXPECT_EQ(egress_.statistics().refused_runs, 1u);
  EXPECT_EQ(egress_.statistics().dropped_too_large, 0u);

  const size_t calls_before = sender_.calls;
  for (uint8_t name = 4; name < 8; ++name) send(name, 100, 1);
  egress_.flush();
  EXPECT_EQ(sender_.calls, calls_before + 1);
  EXPECT_THAT(names(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(egress_.statistics().refused_runs, 1u);
}

INSTANTIATE_TEST_SUITE_P(Errors, EgressRefusedRunTest,
                         ::testing::Values(EIO, EINVAL, EMSGSIZE, EOPNOTSUPP));

TEST_F(EgressTest, SendsRunsToOthersWhenOneDestinationRefusesThem) {
  sender_.errors = {EIO};  // of the first call, and so of its first message
  for (uint8_t name = 0; name < 4; ++name) send(name, 100, 1);
  for (uint8_t name = 4; name < 8; ++name) send(name, 100, 2);
  egress_.flush();
  EXPECT_THAT(names(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  ASSERT_THAT(sender_.sent, SizeIs(5));
  EXPECT_EQ(sender_.sent[4].segment_size, 100);
}

TEST_F(EgressTest, KeepsItsPlaceInsideAPlainRunWhenTheSocketFills) {
  sender_.run_error = EIO;
  for (uint8_t name = 0; name < 5; ++name) send(name, 100, 1);
  sender_.room = 2;
  egress_.flush();
  EXPECT_THAT(names(), ElementsAre(0, 1));
  send(5, 100, 1);
  sender_.room = testing::FakeDatagramSender::kUnlimited;
  egress_.on_writable();
  EXPECT_THAT(names(), ElementsAre(0, 1, 2, 3, 4, 5));
}

TEST_F(EgressTest, CountsOnlyTheRefusedDatagramOfAPlainRun) {
  sender_.run_error = EIO;
  for (uint8_t name = 0; name < 3; ++name) send(name, 100, 1);
  sender_.errors = {EIO, EPERM};
  egress_.flush();
  EXPECT_THAT(names(), ElementsAre(1, 2));
  EXPECT_EQ(egress_.statistics().dropped_unreachable, 1u);
}

TEST_F(EgressTest, SendsAPlainRunOfMoreDatagramsThanABatchTakes) {
  sender_.run_error = EIO;
  send(100, 50, 9);
  for (uint8_t name = 0; name < 64; ++name) send(name, 100, 1);
  for (uint8_t name = 64; name < 70; ++name) send(name, 100, 1);
  egress_.flush();
  std::vector<uint8_t> expected(71);
  expected[0] = 100;
  std::iota(expected.begin() + 1, expected.end(), uint8_t{0});
  EXPECT_EQ(names(), expected);
}

TEST_F(EgressTest, ForgetsTheOldestOfTooManyDestinationsThatRefuseRuns) {
  const auto send_two = [&](size_t index) {
    const Address to =
        Address::v4({10, 0, static_cast<uint8_t>(index >> 8), static_cast<uint8_t>(index)}, 1);
    send(egress_, 1, 100, to);
    send(egress_, 1, 100, to);
    egress_.flush();
  };
  sender_.keep = false;
  sender_.run_error = EIO;
  for (size_t i = 0; i <= Egress::kPlainDestinationsMax; ++i) send_two(i);
  const uint64_t refused = Egress::kPlainDestinationsMax + 1;
  ASSERT_EQ(egress_.statistics().refused_runs, refused);
  send_two(Egress::kPlainDestinationsMax);  // the newest is remembered
  EXPECT_EQ(egress_.statistics().refused_runs, refused);
  send_two(1);  // so is the second
  EXPECT_EQ(egress_.statistics().refused_runs, refused);
  send_two(0);  // the first is not
  EXPECT_EQ(egress_.statistics().refused_runs, refused + 1);
}

TEST_F(EgressTest, AllocatesNothingPerDatagramAndCallsOncePer64Frames) {
  sender_.keep = false;
  sender_.batch_sizes.reserve(1000);
  const auto send_round = [&] {
    for (uint16_t to = 0; to < 50; ++to) {
      for (uint8_t name = 0; name < 8; ++name) send(name, 1200, to);
    }
    egress_.flush();
  };
  send_round();
  const size_t calls_before = sender_.calls;
  const size_t allocations_before = testing::allocations();
  for (int round = 0; round < 250; ++round) send_round();
  EXPECT_EQ(testing::allocations(), allocations_before);
  EXPECT_EQ(sender_.calls - calls_before, 250u);
  EXPECT_EQ(egress_.statistics().datagrams, 251u * 400u);
}

}  // namespace
}  // namespace simpul::net
