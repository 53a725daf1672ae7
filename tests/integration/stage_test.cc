// One publisher and viewers who sit on several workers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <map>
#include <set>

#include "tests/integration/live_node.h"

namespace simpul::testing {
namespace {

// Small enough that a handful of viewers spreads over four workers.
constexpr size_t kTogether = 3;
constexpr int kViewers = 9;

bool sees(const LiveGuest* guest) { return guest->key_frames > 0 && guest->audio > 10; }

class Stage : public ::testing::TestWithParam<uint16_t> {
 protected:
  LiveGuest& add_viewer(relay::LayerChoice layer = relay::LayerChoice::kHighest) {
    const std::string name = "viewer" + std::to_string(viewers_.size());
    viewers_.push_back(&live_.watch("stage", name, {}, layer));
    return *viewers_.back();
  }
  void add_viewers() {
    for (int i = 0; i < kViewers; ++i) add_viewer();
  }
  bool all_see() {
    return live_.run_until([&] { return std::ranges::all_of(viewers_, sees); });
  }
  void run_for(Duration duration) {
    const TimePoint until = net::EventLoop::clock_now() + duration;
    live_.run_until([&] { return net::EventLoop::clock_now() >= until; });
  }
  uint32_t worker_of(const LiveGuest& guest) { return live_.report_of(guest)->worker; }
  std::string layer_of(const LiveGuest& guest) {
    for (const auto& slot : live_.report_of(guest)->slots) {
      if (slot.state.layer) return *slot.state.layer;
    }
    return "none";
  }

  LiveNode live_{GetParam(), 30s, kTogether};
  std::vector<LiveGuest*> viewers_;
};

TEST_P(Stage, SpreadsItsViewersOverAllWorkers) {
  live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  std::set<uint32_t> workers;
  for (const LiveGuest* viewer : viewers_) workers.insert(worker_of(*viewer));
  EXPECT_EQ(workers.size(), GetParam());
}

TEST_P(Stage, ShowsEveryPacketToEveryViewer) {
  LiveGuest& alice = live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  // With the publisher paused nothing is under way.
  auto& sources = alice.socket->sources();
  auto paused = std::exchange(sources, {});
  run_for(300ms);
  std::map<const LiveGuest*, std::pair<uint64_t, uint64_t>> before;
  for (const LiveGuest* viewer : viewers_) before[viewer] = {viewer->audio, viewer->video};
  const std::pair sent_before{paused[0].packets(), paused[1].packets()};

  for (auto& source : paused) alice.socket->add_source(std::move(source));
  run_for(2s);
  paused = std::exchange(sources, {});
  const uint64_t audio = paused[0].packets() - sent_before.first;
  const uint64_t video = paused[1].packets() - sent_before.second;
  EXPECT_GT(audio, 90u);
  EXPECT_TRUE(live_.run_until([&] {
    return std::ranges::all_of(viewers_, [&](const LiveGuest* viewer) {
      return viewer->audio - before[viewer].first == audio &&
             viewer->video - before[viewer].second == video && viewer->lost == 0;
    });
  }));
  EXPECT_EQ(live_.dropped("feed_full"), 0u);
}

TEST_P(Stage, ShowsAPictureToAViewerWhoComesLate) {
  LiveGuest& alice = live_.publish("stage", "alice");
  ASSERT_TRUE(live_.run_until([&] { return alice.connected(); }));
  run_for(500ms);
  for (int i = 0; i < kViewers; ++i) {
    add_viewer();
    ASSERT_TRUE(all_see());
  }
  for (const LiveGuest* viewer : viewers_) EXPECT_EQ(viewer->lost, 0u);
}

TEST_P(Stage, ShowsAPublisherWhoLeftAndCameBack) {
  LiveGuest& alice = live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  ASSERT_TRUE(live_.node().leave("stage", alice.session));
  for (LiveGuest* viewer : viewers_) viewer->key_frames = 0;
  live_.publish("stage", "alice");
  EXPECT_TRUE(all_see());
  for (const LiveGuest* viewer : viewers_) EXPECT_EQ(viewer->lost, 0u);
}

TEST_P(Stage, ReplacesAPublisherWhoVanishedWhereverTheNewOneIs) {
  LiveGuest& alice = live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  alice.socket.reset();  // without a word
  for (LiveGuest* viewer : viewers_) viewer->key_frames = 0;
  live_.publish("stage", "alice");
  EXPECT_TRUE(all_see());
}

TEST_P(Stage, ShowsPublishersOfSeveralWorkers) {
  live_.publish("stage", "alice");
  add_viewers();
  live_.publish("stage", "bob");  // a viewer has one seat: alice keeps it
  ASSERT_TRUE(all_see());
  ASSERT_TRUE(live_.node().remove_participant("stage", "alice"));
  for (LiveGuest* viewer : viewers_) viewer->key_frames = 0;
  EXPECT_TRUE(all_see());
}

TEST_P(Stage, GivesEachViewerTheirLayer) {
  live_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
  using enum relay::LayerChoice;
  const std::vector choices = {kLow, kMid, kHigh, kLow, kMid, kHigh, kLow, kMid, kHigh};
  for (const relay::LayerChoice choice : choices) add_viewer(choice);
  ASSERT_TRUE(all_see());
  const std::map<relay::LayerChoice, std::string> expected = {
      {kLow, "q"}, {kMid, "h"}, {kHigh, "f"}};
  EXPECT_TRUE(live_.run_until([&] {
    live_.refresh();
    for (size_t i = 0; i < viewers_.size(); ++i) {
      if (layer_of(*viewers_[i]) != expected.at(choices[i])) return false;
    }
    return true;
  }));
}

TEST_P(Stage, FollowsAViewerToAnotherAddress) {
  live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  RawSocket elsewhere(live_.loop());
  const LiveGuest& roamer = *viewers_.back();
  elsewhere.send(roamer.socket->peer().make_check(true), roamer.socket->remote());
  EXPECT_TRUE(live_.run_until([&] { return elsewhere.received() > 50; }));
}

TEST_P(Stage, EndsForEverybodyWhenTheRoomIsRemoved) {
  LiveGuest& alice = live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  EXPECT_TRUE(live_.node().remove_room("stage"));
  EXPECT_TRUE(live_.run_until([&] {
    return alice.socket->peer().closed() &&
           std::ranges::all_of(
               viewers_, [](const LiveGuest* viewer) { return viewer->socket->peer().closed(); });
  }));
}

TEST_P(Stage, EndsWhilePacketsAreOnLoan) {
  live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  live_.stop();
}

INSTANTIATE_TEST_SUITE_P(Workers, Stage, ::testing::Values(1, 2, 4));

class StalledWorker : public Stage {
 protected:
  void stall(uint32_t worker) {
    ASSERT_TRUE(live_.node().run_on_worker(worker, [this] {
      stalled_.count_down();
      released_.wait();
    }));
    ASSERT_TRUE(live_.run_until([&] { return stalled_.try_wait(); }));
  }
  void TearDown() override {
    if (!released_.try_wait()) released_.count_down();
  }

  std::latch stalled_{1};
  std::latch released_{1};
};

TEST_P(StalledWorker, HurtsNobodyElseAndLosesOnlyItsOwn) {
  live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  const uint32_t worker = worker_of(*viewers_.back());
  ASSERT_NE(worker, worker_of(*viewers_.front()));
  std::vector<LiveGuest*> on_it;
  std::vector<LiveGuest*> elsewhere;
  for (LiveGuest* viewer : viewers_) {
    (worker_of(*viewer) == worker ? on_it : elsewhere).push_back(viewer);
  }
  stall(worker);
  run_for(50ms);  // what was in the sockets
  for (LiveGuest* viewer : viewers_) viewer->audio = 0;
  run_for(2s);
  for (const LiveGuest* viewer : on_it) EXPECT_EQ(viewer->audio, 0u);
  for (const LiveGuest* viewer : elsewhere) {
    EXPECT_GT(viewer->audio, 90u);
    EXPECT_EQ(viewer->lost, 0u);
  }
  released_.count_down();
  for (LiveGuest* viewer : viewers_) viewer->video = viewer->audio = 0;
  EXPECT_TRUE(live_.run_until([&] {
    return std::ranges::all_of(
        viewers_, [](const LiveGuest* viewer) { return viewer->audio > 50 && viewer->video > 50; });
  }));
}

TEST_P(StalledWorker, LeavesRoomsOfOtherWorkersAlone) {
  live_.publish("stage", "alice");
  for (int i = 0; i < 2; ++i) add_viewer();
  LiveGuest& zoe = live_.publish("other", "zoe");
  LiveGuest& yan = live_.watch("other", "yan");
  ASSERT_TRUE(all_see());
  ASSERT_TRUE(live_.run_until([&] { return sees(&yan); }));
  ASSERT_NE(worker_of(zoe), worker_of(*viewers_.front()));
  stall(worker_of(*viewers_.front()));
  yan.audio = 0;
  run_for(2s);
  EXPECT_GT(yan.audio, 90u);
  EXPECT_EQ(yan.lost, 0u);
}

INSTANTIATE_TEST_SUITE_P(Workers, StalledWorker, ::testing::Values(2, 4));

}  // namespace
}  // namespace simpul::testing
