// Two workers at virtual time: what the home of a publisher lends to the other one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rtp/rtcp_writer.h"
#include "rtp/vp8.h"
#include "tests/node/virtual_node.h"
#include "tests/support/allocation_counter.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;

class FeedsTest : public ::testing::Test {
 protected:
  FeedsTest() {
    home_.switchboard().change_feeds({.room = "stage", .home = 0, .borrower = 1, .lend = true},
                                     home_.now());
  }

  void run(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 1ms) {
      home_.run(1ms);
      borrower_.run(1ms);
    }
  }
  template <class Done>
  bool run_until(const Done& done) {
    for (int i = 0; i < 10'000 && !done(); ++i) run(1ms);
    return done();
  }
  uint64_t lent_in(Duration duration) {
    const uint64_t before = home_.feeds().packets_lent();
    run(duration);
    return home_.feeds().packets_lent() - before;
  }
  // Somebody sends three layers, the largest of which is watched at home alone, the smallest there.
  void open_stage() {
    alice_ = &home_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
    Guest& low = borrower_.watch("stage", "low", {}, relay::LayerChoice::kLow);
    carol_ = &home_.watch("stage", "carol", {}, relay::LayerChoice::kHigh);
    ASSERT_TRUE(run_until(
        [&] { return alice_->peer.connected() && has_picture(low) && has_picture(*carol_); }));
    run(3s);
  }
  // Half a second ago.
  void make_key_frame() {
    complain(home_, *carol_);
    run(500ms);
  }
  uint64_t key_frames() const { return alice_->sources[3].key_frames(); }
  static bool has_picture(const Guest& viewer) { return viewer.count(viewer.peer.slots()[1]) > 0; }
  static void forget(Guest& viewer) { viewer.packets.clear(); }
  static void complain(VirtualNode& node, Guest& viewer) {
    std::array<uint8_t, rtp::kRtcpSizeMax> buffer{};
    rtp::RtcpWriter writer(buffer);
    writer.pli(rtp::Ssrc(1), viewer.peer.slots()[1]);
    node.deliver(viewer.address, viewer.peer.seal_rtcp(writer.written()));
  }

  PacketPool pool_{8'192};  // outlives what the relays keep of it
  FeedLanes lanes_{2};
  VirtualNode home_{&lanes_, 0};
  VirtualNode borrower_{&lanes_, 1};
  Guest* alice_ = nullptr;
  Guest* carol_ = nullptr;
};

TEST_F(FeedsTest, LendNothingWhereNobodyWatches) {
  Guest& alice = home_.publish("stage", "alice");
  ASSERT_TRUE(run_until([&] { return alice.peer.connected(); }));
  run(200ms);  // until it has been seen that there is something, and that nobody wants it
  EXPECT_EQ(lent_in(1s), 0u);
}

TEST_F(FeedsTest, LendOnlyTheLayerThatIsWatched) {
  Guest& alice = home_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
  Guest& low = borrower_.watch("stage", "low", {}, relay::LayerChoice::kLow);
  ASSERT_TRUE(run_until([&] { return alice.peer.connected() && has_picture(low); }));
  run(500ms);
  const uint64_t q_before = alice.sources[1].packets();
  const uint64_t audio_before = alice.sources[0].packets();
  const uint64_t lent = lent_in(2s);
  const uint64_t made =
      alice.sources[1].packets() - q_before + alice.sources[0].packets() - audio_before;
  EXPECT_NEAR(static_cast<double>(lent), static_cast<double>(made), 3);
  EXPECT_LT(made, alice.sources[3].packets());
}

TEST_F(FeedsTest, LendALayerAgainWithAKeyFrameWhenSomebodyComesToWatchIt) {
  Guest& alice = home_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
  Guest& low = borrower_.watch("stage", "low", {}, relay::LayerChoice::kLow);
  ASSERT_TRUE(run_until([&] { return alice.peer.connected() && has_picture(low); }));
  run(3s);
  const uint64_t key_frames = alice.sources[3].key_frames();
  Guest& high = borrower_.watch("stage", "high", {}, relay::LayerChoice::kHigh);
  ASSERT_TRUE(run_until([&] { return has_picture(high); }));
  EXPECT_EQ(alice.sources[3].key_frames(), key_frames + 1);
  const auto first = std::ranges::find(high.packets, high.peer.slots()[1], &Guest::Packet::ssrc);
  EXPECT_TRUE(rtp::Vp8Descriptor::parse(first->payload)->key_frame);
  forget(high);
  forget(low);
  run(1s);
  EXPECT_GT(high.count(high.peer.slots()[1]), 60u);
  EXPECT_GT(low.count(low.peer.slots()[1]), 20u);
}

TEST_F(FeedsTest, LendTheLastKeyFrameToTheFirstWhoWatchesThere) {
  open_stage();
  make_key_frame();
  const uint64_t before = key_frames();
  Guest& high = borrower_.watch("stage", "high", {}, relay::LayerChoice::kHigh);
  ASSERT_TRUE(run_until([&] { return has_picture(high); }));
  run(2s);
  EXPECT_EQ(key_frames(), before);
  std::vector<const Guest::Packet*> pictures;
  for (const auto& packet : high.packets) {
    if (packet.ssrc == high.peer.slots()[1]) pictures.push_back(&packet);
  }
  EXPECT_TRUE(rtp::Vp8Descriptor::parse(pictures.front()->payload)->key_frame);
  for (size_t i = 1; i < pictures.size(); ++i) {
    EXPECT_EQ(pictures[i]->sequence_number.value(),
              static_cast<uint16_t>(pictures[i - 1]->sequence_number.value() + 1));
  }
  EXPECT_GT(high.count(high.peer.slots()[1]), 150u);
}

TEST_F(FeedsTest, AskForNoKeyFrameBesideTheOneThatIsKeptHoweverLateHomeLooks) {
  open_stage();
  make_key_frame();
  const uint64_t before = key_frames();
  Guest& high = borrower_.watch("stage", "high", {}, relay::LayerChoice::kHigh);
  ASSERT_TRUE(run_until([&] { return high.peer.connected(); }));
  borrower_.run(relay::KeyFrameRequests::kRepeatMin - 10ms);
  ASSERT_FALSE(has_picture(high));
  run(1s);
  EXPECT_TRUE(has_picture(high));
  EXPECT_EQ(key_frames(), before);
}

TEST_F(FeedsTest, AskAtOnceForAKeyFrameForWhomTheOneThatIsKeptIsOfNoUse) {
  open_stage();
  Guest& grows = borrower_.watch("stage", "grows");
  const auto show = [&](uint32_t pixels) {
    borrower_.switchboard().answer(
        {.key = grows.key,
         .mid = "1",
         .change = ViewingChange{.wanted_pixels = std::optional<uint32_t>(pixels)}},
        borrower_.now());
  };
  const auto layer = [&] {
    const auto answer =
        borrower_.switchboard().answer({.key = grows.key, .mid = "1"}, borrower_.now());
    return answer.why ? answer.why->layer.value_or("") : "";
  };
  show(320 * 180);
  ASSERT_TRUE(run_until([&] { return layer() == "q"; }));
  run(2s);
  make_key_frame();
  const uint64_t before = key_frames();
  show(1280 * 720);
  const TimePoint asked = borrower_.now();
  ASSERT_TRUE(run_until([&] { return layer() == "f"; }));
  EXPECT_EQ(key_frames(), before + 1);
  EXPECT_LT(borrower_.now() - asked, relay::KeyFrameRequests::kRepeatMin);
  run(1s);
  EXPECT_EQ(key_frames(), before + 1);
}

TEST_F(FeedsTest, AskOnceForAKeyFrameWhereTheLastIsTooLongAgo) {
  open_stage();
  const uint64_t before = key_frames();
  Guest& high = borrower_.watch("stage", "high", {}, relay::LayerChoice::kHigh);
  ASSERT_TRUE(run_until([&] { return has_picture(high); }));
  run(2s);
  EXPECT_EQ(key_frames(), before + 1);
}

TEST_F(FeedsTest, LendNothingAnyMoreWhenTheLastWatcherHasGone) {
  Guest& alice = home_.publish("stage", "alice");
  Guest& bob = borrower_.watch("stage", "bob");
  Guest& carol = home_.watch("stage", "carol");
  ASSERT_TRUE(
      run_until([&] { return alice.peer.connected() && has_picture(bob) && has_picture(carol); }));
  EXPECT_GT(lent_in(1s), 100u);
  borrower_.switchboard().end(bob.key, borrower_.now());
  run(50ms);
  EXPECT_EQ(lent_in(1s), 0u);
  forget(carol);
  run(1s);
  EXPECT_GT(carol.packets.size(), 100u);  // as nothing had happened
}

TEST_F(FeedsTest, TellWhichLayersThereAreThoughTheyAreNotLent) {
  Guest& alice = home_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
  Guest& bob = borrower_.watch("stage", "bob");
  ASSERT_TRUE(run_until([&] { return alice.peer.connected() && has_picture(bob); }));
  run(3s);
  // The highest layer ends; the next one is not lent, and is known to be there.
  alice.sources.erase(alice.sources.begin() + 3);
  run(3s);
  forget(bob);
  run(1s);
  EXPECT_GT(bob.count(bob.peer.slots()[1]), 40u);
  // That one ends too, and so does all but the lowest.
  alice.sources.erase(alice.sources.begin() + 2);
  run(3s);
  forget(bob);
  run(1s);
  EXPECT_GT(bob.count(bob.peer.slots()[1]), 20u);
}

TEST_F(FeedsTest, DoNotTakeAWishThatWasForTheFeedBefore) {
  Guest& alice = home_.publish("stage", "alice");
  Guest& bob = borrower_.watch("stage", "bob");
  ASSERT_TRUE(run_until([&] { return alice.peer.connected() && has_picture(bob); }));
  // The last viewer goes, and that nobody watches any more is on its way home while the feed is
  // closed and opened again for the next one.
  borrower_.switchboard().end(bob.key, borrower_.now());
  borrower_.settle();
  for (const bool lend : {false, true}) {
    home_.switchboard().change_feeds({.room = "stage", .home = 0, .borrower = 1, .lend = lend},
                                     home_.now());
  }
  Guest& carol = borrower_.watch("stage", "carol");
  EXPECT_TRUE(run_until([&] { return has_picture(carol); }));
}

TEST_F(FeedsTest, TellThatSomebodyThereLostSomethingAndLeaveATokenForWhoComes) {
  Guest& alice = home_.publish("stage", "alice");
  Guest& bob = borrower_.watch("stage", "bob");
  Guest& carol = home_.watch("stage", "carol");
  ASSERT_TRUE(
      run_until([&] { return alice.peer.connected() && has_picture(bob) && has_picture(carol); }));
  run(3s);
  const uint64_t key_frames = alice.sources[1].key_frames();
  complain(home_, carol);
  run(400ms);
  EXPECT_EQ(alice.sources[1].key_frames(), key_frames + 1);
  complain(borrower_, bob);
  run(400ms);
  EXPECT_EQ(alice.sources[1].key_frames(), key_frames + 1);
  run(400ms);
  EXPECT_EQ(alice.sources[1].key_frames(), key_frames + 2) << "it was not swallowed";
}

TEST_F(FeedsTest, EndWithTheirPublisher) {
  Guest& alice = home_.publish("stage", "alice");
  Guest& bob = borrower_.watch("stage", "bob");
  ASSERT_TRUE(run_until([&] { return alice.peer.connected() && has_picture(bob); }));
  home_.switchboard().end(alice.key, home_.now());
  run(2s);
  EXPECT_EQ(borrower_.feeds().borrowed(0), 0u);
  EXPECT_EQ(home_.feeds().lent(1), 0u);
  home_.publish("stage", "alice");
  forget(bob);
  EXPECT_TRUE(run_until([&] { return has_picture(bob); }));
}

// Frames of eight packets to viewers on both workers, counted as in egress_count_test.cc.
TEST_F(FeedsTest, AllocateNothingForAPacket) {
  constexpr size_t kViewers = 10;
  Guest& alice = home_.publish("stage", "alice");
  alice.sources.clear();
  std::vector<Guest*> viewers;
  for (size_t i = 0; i < kViewers; ++i) {
    VirtualNode& node = i % 2 == 0 ? home_ : borrower_;
    viewers.push_back(&node.watch("stage", "viewer" + std::to_string(i)));
  }
  ASSERT_TRUE(run_until([&] {
    return alice.peer.connected() && std::ranges::all_of(viewers, [](const Guest* viewer) {
             return viewer->peer.connected();
           });
  }));
  home_.sender().keep(false);
  borrower_.sender().keep(false);
  auto source = peer::MediaSource::video("1", {.bitrate_bps = 2'000'000});
  std::vector<std::vector<uint8_t>> sealed;
  std::vector<PacketRef> frame;
  uint64_t lent_before = 0;
  size_t counted = 0;
  const auto send_all = [](VirtualNode& node) {
    node.switchboard().publish_feeds(node.now());
    while (node.switchboard().send_due(node.now(), 0ms, 32) > 0) node.egress().flush();
  };
  for (int round = 0; round < 600; ++round) {
    run(33ms);
    sealed.clear();
    source.send_due(home_.now(), alice.peer, sealed);
    frame.clear();
    for (const auto& bytes : sealed) {
      frame.push_back(pool_.allocate());
      frame.back()->size = static_cast<uint32_t>(bytes.size());
      std::ranges::copy(bytes, frame.back()->bytes.begin());
    }
    if (round == 100) lent_before = home_.feeds().packets_lent();
    const size_t before = testing::allocations();
    for (PacketRef& packet : frame) {
      home_.switchboard().receive(std::move(packet), {0, alice.address}, home_.now());
    }
    send_all(home_);
    borrower_.switchboard().take_feeds(borrower_.now(), 1'024);
    send_all(borrower_);
    home_.switchboard().publish_feeds(home_.now());
    if (round >= 100) counted += testing::allocations() - before;
  }
  EXPECT_GT(home_.feeds().packets_lent() - lent_before, 3'000u);
  EXPECT_GT(borrower_.sender().datagrams(), 15'000u);
  EXPECT_EQ(counted, 0u);
}

}  // namespace
}  // namespace simpul::node
