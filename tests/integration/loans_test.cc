// What happens when a worker takes nothing of what others lend it: the caps are reached, what does
// not fit is dropped and counted, and those who missed it begin again with a key frame.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

#include "node/feed_exchange.h"
#include "tests/integration/live_node.h"

namespace simpul::testing {
namespace {

// With one connection on a worker counting as a full one, publishers and viewers who join in turns
// are on worker 0 and on worker 1.
constexpr size_t kTogether = 1;

class Loans : public ::testing::Test {
 protected:
  void start(size_t packets_lent_max, int publishers, uint32_t bitrate_bps) {
    live_ = std::make_unique<LiveNode>(LiveNode::test_config(2), kTogether, packets_lent_max);
    for (int i = 0; i < publishers; ++i) {
      const std::string name = "speaker" + std::to_string(i);
      publishers_.push_back(&live_->publish("stage", name));
      auto& sources = publishers_.back()->socket->sources();
      sources[1] = peer::MediaSource::video("1", {.bitrate_bps = bitrate_bps});
      viewers_.push_back(&live_->watch("stage", "viewer" + std::to_string(i), {},
                                       relay::LayerChoice::kHighest, name));
    }
    at_home_ = &live_->watch("stage", "neighbour", {}, relay::LayerChoice::kHighest, "speaker0");
    ASSERT_TRUE(live_->run_until([&] { return all_see() && at_home_->key_frames > 0; }));
    for (const LiveGuest* publisher : publishers_) EXPECT_EQ(worker_of(*publisher), 0u);
    for (const LiveGuest* viewer : viewers_) EXPECT_EQ(worker_of(*viewer), 1u);
    EXPECT_EQ(worker_of(*at_home_), 0u);
    EXPECT_EQ(live_->dropped("feed_full"), 0u);
  }
  // Worker 1 does nothing while the publishers send so many packets together.
  void stall_while(uint64_t packets) {
    ASSERT_TRUE(live_->node().run_on_worker(1, [this] {
      stalled_.count_down();
      released_.wait();
    }));
    ASSERT_TRUE(live_->run_until([&] { return stalled_.try_wait(); }));
    const uint64_t before = packets_made();
    EXPECT_TRUE(live_->run_until([&] { return packets_made() >= before + packets; }));
    for (LiveGuest* viewer : viewers_) viewer->key_frames = viewer->audio = viewer->video = 0;
    released_.count_down();
  }
  void expect_recovered() {
    EXPECT_TRUE(live_->run_until([&] {
      return std::ranges::all_of(viewers_, [](const LiveGuest* viewer) {
        return viewer->key_frames > 0 && viewer->audio > 50 && viewer->video > 50;
      });
    }));
    EXPECT_GT(live_->dropped("feed_full"), 0u);
    // Its slots' numbers go on without holes: those who watch have nothing to ask for again.
    for (const LiveGuest* viewer : viewers_) EXPECT_EQ(viewer->missed(), 0u);
    EXPECT_EQ(at_home_->missed(), 0u);
    // And it is over.
    const uint64_t dropped = live_->dropped("feed_full");
    const uint64_t before = packets_made();
    EXPECT_TRUE(live_->run_until([&] { return packets_made() >= before + 200; }));
    EXPECT_EQ(live_->dropped("feed_full"), dropped);
  }
  void TearDown() override {
    if (!released_.try_wait()) released_.count_down();
  }

  bool all_see() const {
    return std::ranges::all_of(viewers_, [](const LiveGuest* viewer) {
      return viewer->key_frames > 0 && viewer->audio > 10;
    });
  }
  uint64_t packets_made() const {
    uint64_t count = 0;
    for (const LiveGuest* publisher : publishers_) {
      for (const auto& source : publisher->socket->sources()) count += source.packets();
    }
    return count;
  }
  uint32_t worker_of(const LiveGuest& guest) { return live_->report_of(guest)->worker; }

  std::latch stalled_{1};
  std::latch released_{1};
  std::unique_ptr<LiveNode> live_;
  std::vector<LiveGuest*> publishers_;
  std::vector<LiveGuest*> viewers_;
  LiveGuest* at_home_ = nullptr;
};

TEST_F(Loans, AreNoMoreThanTheirCapWhileAWorkerIsStalled) {
  // More than two seconds of the feed, as long as its packets are kept for who joins.
  start(400, 1, 500'000);
  stall_while(600);
  expect_recovered();
}

TEST_F(Loans, AreNoMoreThanTheRingHoldsWhileAWorkerIsStalled) {
  // No more than a probe finds to fit, when the stall has made the estimates small.
  start(0, 4, 4'000'000);
  stall_while(node::FeedLane::kItemsMax + 2'000);
  expect_recovered();
}

TEST(SupersededPublisher, IsNoLongerOneWhenTheNewerConnectionHasGone) {
  LiveNode live(2, 30s, kTogether);
  LiveGuest& before = live.publish("stage", "alice");
  ASSERT_TRUE(live.run_until([&] { return before.connected(); }));
  LiveGuest& newer = live.publish("stage", "alice");
  ASSERT_TRUE(live.run_until([&] { return newer.connected(); }));
  live.refresh();
  const auto connections = [&] { return live.node().participant("stage", "alice")->connections; };
  ASSERT_EQ(connections().size(), 2u);
  ASSERT_NE(connections()[0].worker, connections()[1].worker);
  ASSERT_TRUE(live.node().leave("stage", newer.session));
  // The older one is silent for longer than one may be whom another has replaced.
  before.socket.reset();
  const TimePoint until = net::EventLoop::clock_now() + 4s;
  live.run_until([&] { return net::EventLoop::clock_now() >= until; });
  ASSERT_TRUE(live.node().participant("stage", "alice"));
  EXPECT_EQ(connections().size(), 1u);
}

}  // namespace
}  // namespace simpul::testing
