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
  uint32_t worker_of(const LiveGuest& guest) { return live_.report_of(guest)->worker; }
  std::string layer_of(const LiveGuest& guest) {
    const auto report = live_.report_of(guest);
    for (const auto& slot : report->slots) {
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
  auto sources = std::exchange(alice.socket->sources(), {});
  add_viewers();
  ASSERT_TRUE(live_.run_until(
      [&] { return alice.connected() && std::ranges::all_of(viewers_, &LiveGuest::connected); }));
  for (auto& source : sources) alice.socket->add_source(std::move(source));
  EXPECT_TRUE(live_.run_until([&] { return alice.socket->sources()[0].packets() >= 100; }));
  sources = std::exchange(alice.socket->sources(), {});
  live_.run_until([&] {
    return std::ranges::all_of(viewers_, [&](const LiveGuest* viewer) {
      return viewer->audio + viewer->video == sources[0].packets() + sources[1].packets();
    });
  });
  for (const LiveGuest* viewer : viewers_) {
    EXPECT_EQ(viewer->audio, sources[0].packets());
    EXPECT_EQ(viewer->video, sources[1].packets());
    EXPECT_EQ(viewer->missed(), 0u);
  }
  EXPECT_EQ(live_.dropped("feed_full"), 0u);
}

TEST_P(Stage, ShowsAPictureToAViewerWhoComesLate) {
  LiveGuest& alice = live_.publish("stage", "alice");
  ASSERT_TRUE(live_.run_until([&] { return alice.connected(); }));
  ASSERT_TRUE(live_.run_until([&] { return alice.socket->sources()[0].packets() > 25; }));
  for (int i = 0; i < kViewers; ++i) {
    add_viewer();
    ASSERT_TRUE(all_see());
  }
  for (const LiveGuest* viewer : viewers_) EXPECT_EQ(viewer->missed(), 0u);
}

TEST_P(Stage, ShowsAPublisherWhoLeftAndCameBack) {
  LiveGuest& alice = live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  ASSERT_TRUE(live_.node().leave("stage", alice.session));
  for (LiveGuest* viewer : viewers_) viewer->key_frames = 0;
  live_.publish("stage", "alice");
  EXPECT_TRUE(all_see());
  for (const LiveGuest* viewer : viewers_) EXPECT_EQ(viewer->missed(), 0u);
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
  ASSERT_TRUE(all_see());
  LiveGuest& bob = live_.publish("stage", "bob");  // a viewer has one seat: alice keeps it
  ASSERT_TRUE(live_.run_until([&] { return bob.connected(); }));
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
  const auto all_have_theirs = [&] {
    for (size_t i = 0; i < viewers_.size(); ++i) {
      if (layer_of(*viewers_[i]) != expected.at(choices[i])) return false;
    }
    return true;
  };
  bool done = false;
  for (int attempt = 0; attempt < 50 && !done; ++attempt) done = all_have_theirs();
  EXPECT_TRUE(done);
}

TEST_P(Stage, FollowsAViewerToAnotherAddress) {
  live_.publish("stage", "alice");
  add_viewers();
  ASSERT_TRUE(all_see());
  RawSocket elsewhere(live_.loop());
  const LiveGuest& roamer = *viewers_.back();
  // A nomination, and proof that the peer is really there: an empty receiver report.
  const std::vector<uint8_t> report = {0x80, 0xC9, 0, 1, 0, 0, 0, 1};
  uint64_t checks = 0;
  TimePoint next;
  EXPECT_TRUE(live_.run_until([&] {
    if (net::EventLoop::clock_now() >= next) {
      elsewhere.send(roamer.socket->peer().make_check(true), roamer.socket->remote());
      elsewhere.send(roamer.socket->peer().seal_rtcp(report), roamer.socket->remote());
      ++checks;
      next = net::EventLoop::clock_now() + 100ms;
    }
    return elsewhere.received() >= checks + 80;  // each check is answered
  }));
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

  // A datagram to each of them, who have read what came before it when they have read that.
  bool read_what_was_sent(const std::vector<LiveGuest*>& guests) {
    RawSocket stranger(live_.loop());
    const uint64_t before = live_.foreign();
    for (const LiveGuest* guest : guests) {
      stranger.send(std::vector<uint8_t>{0}, guest->socket->local());
    }
    return live_.run_until([&] { return live_.foreign() == before + guests.size(); });
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
  ASSERT_TRUE(read_what_was_sent(on_it));
  for (LiveGuest* viewer : viewers_) viewer->audio = 0;
  EXPECT_TRUE(live_.run_until([&] {
    return std::ranges::all_of(elsewhere,
                               [](const LiveGuest* viewer) { return viewer->audio > 100; });
  }));
  for (const LiveGuest* viewer : on_it) EXPECT_EQ(viewer->audio, 0u);
  for (const LiveGuest* viewer : elsewhere) EXPECT_EQ(viewer->missed(), 0u);
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
  EXPECT_TRUE(live_.run_until([&] { return yan.audio > 100; }));
  EXPECT_EQ(yan.missed(), 0u);
}

TEST_P(StalledWorker, IsToldLaterWhichOfItsPublishersHasBeenReplaced) {
  LiveGuest& before = live_.publish("stage", "alice");
  for (size_t i = 1; i < kTogether; ++i) add_viewer();  // the next one goes to another worker
  ASSERT_TRUE(all_see());
  const uint32_t worker = worker_of(before);
  stall(worker);
  while (live_.node().run_on_worker(worker, [] {})) {  // nothing more can be told
  }
  LiveGuest& newer = live_.publish("stage", "alice");
  const auto connections = [&] { return live_.node().participant("stage", "alice")->connections; };
  ASSERT_TRUE(live_.run_until([&] {
    return std::ranges::any_of(connections(), [&](const node::ConnectionReport& connection) {
      return connection.id == newer.session &&
             connection.phase == node::ConnectionPhase::kConnected;
    });
  }));
  before.socket.reset();
  released_.count_down();
  EXPECT_TRUE(live_.run_until([&] { return connections().size() == 1; }));
}

INSTANTIATE_TEST_SUITE_P(Workers, StalledWorker, ::testing::Values(2, 4));

}  // namespace
}  // namespace simpul::testing
