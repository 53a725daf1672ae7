// Which layers a publisher is told to send, by those who watch on its worker and on another one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/layer_suspension.h"
#include "tests/node/virtual_node.h"

namespace simpul::node {
namespace {

using testing::Guest;
using testing::VirtualNode;
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Duration kLongEnough = relay::LayerSuspension::kGrace + 2s;

// A publisher of three layers on one worker; viewers there and on another one.
class LayersTest : public ::testing::Test {
 protected:
  void publish() {
    alice_ = &home_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
    ASSERT_TRUE(run_until([&] { return alice_->peer.connected(); }));
    home_.switchboard().follow_layers(alice_->key, true);
  }
  void lend(bool lends) {
    home_.switchboard().change_feeds({.room = "stage", .home = 0, .borrower = 1, .lend = lends},
                                     home_.now());
  }
  void run(Duration duration) {
    for (Duration passed{}; passed < duration; passed += 1ms) {
      home_.run(1ms);
      borrower_.run(1ms);
      if (home_.layers_changes.size() > obeyed_) obey();
    }
  }
  template <class Done>
  bool run_until(const Done& done) {
    for (int i = 0; i < 10'000 && !done(); ++i) run(1ms);
    return done();
  }
  // A layer that begins again does so as another stream: the hardest way there is.
  void obey() {
    obeyed_ = home_.layers_changes.size();
    const auto wanted = active();
    for (size_t layer = 0; layer < kRids.size(); ++layer) {
      const bool is_wanted = std::ranges::count(wanted, kRids[layer]) > 0;
      if (is_wanted == sends_[layer]) continue;
      sends_[layer] = is_wanted;
      const auto width = static_cast<uint16_t>(320 << layer);
      auto& sources = alice_->sources;
      if (!is_wanted) {
        std::erase_if(sources,
                      [&](const auto& source) { return source.ssrc() == ssrcs_.at(layer); });
      } else {
        sources.push_back(
            peer::MediaSource::video("1", {.bitrate_bps = width * 1000u,
                                           .width = width,
                                           .height = static_cast<uint16_t>(width * 9 / 16),
                                           .rid = kRids[layer]}));
        ssrcs_[layer] = sources.back().ssrc();
      }
    }
  }
  void remember_sources() {
    for (size_t layer = 0; layer < kRids.size(); ++layer) {
      ssrcs_[layer] = alice_->sources.at(layer + 1).ssrc();
    }
  }
  // As she was told last.
  std::vector<std::string> active() const {
    std::vector<std::string> rids;
    const LayersChange& last = home_.layers_changes.back();
    EXPECT_EQ(last.key, alice_->key);
    EXPECT_EQ(last.wanted.lines.size(), 1u) << "none of sound";
    EXPECT_EQ(last.wanted.lines.at(0).mid, "1");
    for (const auto& layer : last.wanted.lines.at(0).layers) {
      if (layer.active) rids.push_back(layer.rid);
    }
    return rids;
  }
  std::string layer_of(VirtualNode& node, const Guest& viewer) {
    const auto answer = node.switchboard().answer({.key = viewer.key, .mid = "1"}, node.now());
    return answer.why ? answer.why->layer.value_or("") : "";
  }

  const std::vector<std::string> kRids = {"q", "h", "f"};
  FeedLanes lanes_{2};
  VirtualNode home_{&lanes_, 0};
  VirtualNode borrower_{&lanes_, 1};
  Guest* alice_ = nullptr;
  std::array<bool, 3> sends_{true, true, true};
  std::array<rtp::Ssrc, 3> ssrcs_{};
  size_t obeyed_ = 0;
};

TEST_F(LayersTest, AreToldAtOnceAndWhenNobodyHasWatchedThemForAWhile) {
  publish();
  remember_sources();
  EXPECT_THAT(active(), ElementsAre("q", "h", "f"));
  run(kLongEnough);
  EXPECT_THAT(active(), ElementsAre("q"));
  EXPECT_EQ(home_.layers_changes.size(), 2u);
  const auto report = home_.snapshot().connections.at(0).report;
  EXPECT_FALSE(report.tracks.at(1).state.layers.at(0).suspended);
  EXPECT_TRUE(report.tracks.at(1).state.layers.at(2).suspended);
}

TEST_F(LayersTest, AreToldToWhoFollowsBeforeThereIsAnyPicture) {
  alice_ = &home_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
  home_.switchboard().follow_layers(alice_->key, true);
  EXPECT_THAT(active(), ElementsAre("q", "h", "f"));
  ASSERT_TRUE(run_until([&] { return alice_->peer.connected(); }));
  remember_sources();
  run(kLongEnough);
  EXPECT_THAT(active(), ElementsAre("q"));
}

TEST_F(LayersTest, AreNoLongerToldToWhoHasGone) {
  publish();
  remember_sources();
  run(kLongEnough);
  const size_t told = home_.layers_changes.size();
  home_.switchboard().follow_layers(alice_->key, false);
  run(kLongEnough);
  EXPECT_EQ(home_.layers_changes.size(), told);
  home_.switchboard().follow_layers(ConnectionKey(99), true);
  EXPECT_EQ(home_.layers_changes.size(), told);
  // Whoever comes next hears how it is now.
  home_.switchboard().follow_layers(alice_->key, true);
  EXPECT_THAT(active(), ElementsAre("q", "h", "f"));
}

TEST_F(LayersTest, AreWantedByViewersOfAnotherWorkerToo) {
  lend(true);
  Guest& bob = borrower_.watch("stage", "bob", {}, relay::LayerChoice::kHigh);
  publish();
  remember_sources();
  ASSERT_TRUE(run_until([&] { return layer_of(borrower_, bob) == "f"; }));
  run(kLongEnough);
  EXPECT_THAT(active(), ElementsAre("q", "f"));
  borrower_.switchboard().end(bob.key, borrower_.now());
  run(kLongEnough);
  EXPECT_THAT(active(), ElementsAre("q"));
}

TEST_F(LayersTest, ComeBackWhenAViewerOfAnotherWorkerWantsThem) {
  publish();
  remember_sources();
  run(kLongEnough);
  ASSERT_THAT(active(), ElementsAre("q"));
  // That somebody there may watch is no reason.
  lend(true);
  Guest& low = borrower_.watch("stage", "low", {}, relay::LayerChoice::kLow);
  ASSERT_TRUE(run_until([&] { return layer_of(borrower_, low) == "q"; }));
  run(kLongEnough);
  EXPECT_THAT(active(), ElementsAre("q"));
  EXPECT_EQ(home_.layers_changes.size(), 2u);
  Guest& high = borrower_.watch("stage", "high", {}, relay::LayerChoice::kHigh);
  ASSERT_TRUE(run_until([&] { return high.peer.connected(); }));
  const TimePoint joined = borrower_.now();
  ASSERT_TRUE(run_until([&] { return layer_of(borrower_, high) == "f"; }));
  EXPECT_LE(borrower_.now() - joined, 200ms);
  EXPECT_THAT(active(), ElementsAre("q", "f"));
  EXPECT_EQ(layer_of(borrower_, low), "q");
  run(kLongEnough);
  EXPECT_THAT(active(), ElementsAre("q", "f"));
  lend(false);
  run(kLongEnough);
  EXPECT_THAT(active(), ElementsAre("q"));
}

TEST_F(LayersTest, OfAPublisherWhomNobodyFollowsAreLeftAlone) {
  alice_ = &home_.publish("stage", "alice", {.rids = {"q", "h", "f"}});
  ASSERT_TRUE(run_until([&] { return alice_->peer.connected(); }));
  run(kLongEnough);
  EXPECT_THAT(home_.layers_changes, IsEmpty());
  EXPECT_FALSE(home_.snapshot().connections.at(0).report.tracks.at(1).state.layers.at(2).suspended);
}

}  // namespace
}  // namespace simpul::node
