// Layers that nobody watches are suspended at the publisher, and come back when somebody wants
// them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "relay/allocation.h"
#include "relay/layer_suspension.h"
#include "tests/relay/scene.h"

namespace simpul::relay {
namespace {

using namespace testing;
using enum GrantCause;
using ::testing::ElementsAre;

constexpr uint32_t kCamera = 2;
constexpr rtp::Ssrc kVideo(10);
constexpr uint32_t kSmall = 320 * 180;

// Three layers of about 0.13, 0.5 and 1.5 Mbit/s. The publisher does what it is told 60 ms later,
// and a layer that it sends again begins with a key frame.
class SuspensionTest : public ::testing::Test {
 protected:
  static constexpr Duration kFrame = 33ms;
  static constexpr Duration kObeysAfter = 60ms;

  SuspensionTest() {
    ana_ = scene_.publish("ana", {video_track(kCamera, {"l", "m", "h"})});
    scene_.relay.set_follows(ana_, true);
  }

  SubscriberId watch(LayerChoice choice, uint32_t ssrc = 10) {
    return scene_.watch({.participant = {}, .layer = choice}, {video_slot(ssrc)});
  }
  void run(Duration duration) {
    for (const TimePoint end = scene_.now + duration; scene_.now < end;) step();
  }
  void step() {
    // As often as a worker looks.
    for (Duration passed{}; passed < kFrame; passed += 11ms) take(scene_.advance(11ms));
    if (obeys_at_ && scene_.now >= *obeys_at_) obey();
    constexpr std::array<size_t, 3> kPackets = {1, 2, 6};
    constexpr std::array<size_t, 3> kSizes = {500, 1'000, 1'000};
    for (uint8_t layer = 0; layer < 3; ++layer) {
      if (!sends_[layer]) continue;
      const bool key = std::exchange(wants_key_[layer], false);
      key_frames_[layer] += key;
      scene_.receive(kCamera,
                     layers_[layer].frame(
                         {.key = key, .packets = kPackets[layer], .packet_size = kSizes[layer]}),
                     layer);
    }
    for (const Sent& sent : scene_.collect()) ++sent_[sent.subscriber.value()];
  }
  void take(const Output& out) {
    for (const KeyFrameRequest& request : out.key_frame_requests) {
      if (sends_[request.layer]) wants_key_[request.layer] = true;
    }
    for (const ProbeWish& wish : out.probe_wishes) probes_.push_back(wish.bps);
    if (out.suspension_changes.empty()) return;
    EXPECT_EQ(out.suspension_changes[0].publisher, ana_);
    EXPECT_EQ(out.suspension_changes[0].track, TrackId(kCamera));
    ++told_;
    if (is_obedient_) obeys_at_ = scene_.now + kObeysAfter;
  }
  void obey() {
    obeys_at_.reset();
    const unsigned suspended = scene_.relay.suspended_layers(TrackId(kCamera));
    for (unsigned layer = 0; layer < 3; ++layer) {
      const bool sends = (suspended >> layer & 1) == 0;
      if (sends && !sends_[layer]) wants_key_[layer] = true;
      sends_[layer] = sends;
    }
  }
  std::string layer_of(SubscriberId viewer) const {
    return scene_.relay.slots_of(viewer)[0].layer.value_or("");
  }
  Duration until(SubscriberId viewer, const std::string& rid) {
    const TimePoint from = scene_.now;
    while (layer_of(viewer) != rid && scene_.now < from + 30s) step();
    return scene_.now - from;
  }
  GrantCause cause(SubscriberId viewer) {
    return scene_.relay.explain(viewer, scene_.now).slots.at(0).grant.cause;
  }
  size_t sent_in(SubscriberId viewer, Duration duration) {
    const size_t before = sent_[viewer.value()];
    run(duration);
    return sent_[viewer.value()] - before;
  }

  Scene scene_;
  PublisherId ana_;
  std::array<Source, 3> layers_{Source(scene_.pool, {.ssrc = 1, .width = 320, .height = 180}),
                                Source(scene_.pool, {.ssrc = 2, .width = 640, .height = 360}),
                                Source(scene_.pool, {.ssrc = 3, .width = 1280, .height = 720})};
  std::array<bool, 3> wants_key_{true, true, true};
  std::array<bool, 3> sends_{true, true, true};
  std::array<int, 3> key_frames_{};
  bool is_obedient_ = true;
  std::optional<TimePoint> obeys_at_;
  int told_ = 0;
  std::vector<uint64_t> probes_;
  std::map<uint32_t, size_t> sent_;
};

TEST_F(SuspensionTest, WithoutViewersOnlyTheLowestLayerIsSentAfterAWhile) {
  run(LayerSuspension::kGrace - 500ms);
  EXPECT_THAT(sends_, ElementsAre(true, true, true));
  run(1s);
  EXPECT_THAT(sends_, ElementsAre(true, false, false));
  run(3s);
  const auto layers = scene_.relay.tracks_of(ana_)[0].layers;
  EXPECT_FALSE(layers[0].suspended);
  EXPECT_TRUE(layers[2].suspended);
  EXPECT_EQ(layers[2].bitrate_bps, 0u);
  EXPECT_EQ(told_, 1);
}

TEST_F(SuspensionTest, APublisherWhoDoesNotFollowIsAskedForNothing) {
  scene_.relay.set_follows(ana_, false);
  run(1min);
  EXPECT_EQ(told_, 0);
  EXPECT_THAT(sends_, ElementsAre(true, true, true));
}

TEST_F(SuspensionTest, WhoJoinsSeesTheLowestAtOnceAndTheLayerOfHisChoiceWithinAKeyFrame) {
  run(10s);
  const SubscriberId bob = watch(LayerChoice::kHigh);
  const TimePoint joined = scene_.now;
  EXPECT_LE(until(bob, "l"), 4 * kFrame);
  until(bob, "h");
  EXPECT_LE(scene_.now - joined, kObeysAfter + 4 * kFrame);
  EXPECT_EQ(key_frames_[2], 2) << "its first one, and the one that it began again with";
  EXPECT_FALSE(sends_[1]) << "nobody wanted that one";
}

TEST_F(SuspensionTest, TheOldLayerGoesOnUntilTheNewOneIsThere) {
  const SubscriberId bob = watch(LayerChoice::kHighest);
  scene_.relay.set_viewing(bob, kVideo, {.wanted_pixels = kSmall}, scene_.now);
  run(10s);
  ASSERT_EQ(layer_of(bob), "l");
  ASSERT_THAT(sends_, ElementsAre(true, false, false));
  is_obedient_ = false;
  scene_.relay.set_viewing(bob, kVideo, {}, scene_.now);
  run(500ms);
  EXPECT_EQ(cause(bob), kWaitingForPublisher);
  EXPECT_GE(sent_in(bob, 1s), 28u) << "of the low layer, a packet a frame";
  obey();
  EXPECT_LE(until(bob, "h"), 2 * kFrame);
  EXPECT_EQ(cause(bob), kLargest);
}

TEST_F(SuspensionTest, ALayerThatDoesNotComeBackIsGivenUpForTheNextOne) {
  const SubscriberId bob = watch(LayerChoice::kHighest);
  watch(LayerChoice::kMid, 20);
  scene_.relay.set_viewing(bob, kVideo, {.wanted_pixels = kSmall}, scene_.now);
  run(10s);
  ASSERT_THAT(sends_, ElementsAre(true, true, false));
  is_obedient_ = false;
  scene_.relay.set_viewing(bob, kVideo, {}, scene_.now);
  run(1s);
  EXPECT_EQ(layer_of(bob), "l");
  EXPECT_LE(until(bob, "m"), LayerSuspension::kResumedWithin);
  EXPECT_EQ(cause(bob), kPublisherNotSending);
  run(1min);
  EXPECT_EQ(told_, 2) << "it is asked for once";
  sends_[2] = true;
  wants_key_[2] = true;
  EXPECT_LE(until(bob, "h"), 200ms);
}

TEST_F(SuspensionTest, APublisherWhoIgnoresItIsForwardedAsEver) {
  is_obedient_ = false;
  run(20s);
  ASSERT_EQ(told_, 1);
  const SubscriberId bob = watch(LayerChoice::kHigh);
  EXPECT_LE(until(bob, "h"), 3 * kFrame);
  EXPECT_EQ(told_, 2);
}

TEST_F(SuspensionTest, WhenNobodyFollowsAnyMoreAllLayersCountAsSent) {
  run(10s);
  scene_.relay.set_follows(ana_, false);
  run(kFrame);
  EXPECT_EQ(scene_.relay.suspended_layers(TrackId(kCamera)), 0);
  run(1s);
  EXPECT_THAT(sends_, ElementsAre(true, true, true));
  run(1min);
  EXPECT_EQ(told_, 2);
}

TEST_F(SuspensionTest, TheSizeOfThePathIsProbedForALayerThatIsSuspended) {
  const SubscriberId bob = watch(LayerChoice::kHighest);
  run(5s);  // its rate is known by then
  const auto run_with = [&](Duration duration, uint64_t bps) {
    for (const TimePoint end = scene_.now + duration; scene_.now < end;) {
      scene_.relay.set_estimate(bob, PathEstimate{bps, 0}, scene_.now);
      step();
    }
  };
  run_with(15s, 300'000);
  ASSERT_EQ(layer_of(bob), "l");
  ASSERT_THAT(sends_, ElementsAre(true, false, false));
  EXPECT_GT(probes_.back(), 450'000u) << "for the middle one";
  run_with(8s, 700'000);
  EXPECT_EQ(layer_of(bob), "m");
  EXPECT_GT(probes_.back(), 1'400'000u) << "for the highest";
  run_with(8s, 3'000'000);
  EXPECT_EQ(layer_of(bob), "h");
}

TEST_F(SuspensionTest, DownToASuspendedLayerWhatIsSmallerStandsIn) {
  const SubscriberId bob = watch(LayerChoice::kHighest);
  run(10s);
  ASSERT_THAT(sends_, ElementsAre(true, false, true));
  is_obedient_ = false;
  for (int i = 0; i < 20; ++i) {
    scene_.relay.set_estimate(bob, PathEstimate{900'000, 0}, scene_.now);
    step();
  }
  EXPECT_EQ(layer_of(bob), "l");
  EXPECT_EQ(cause(bob), kWaitingForPublisher);
  obey();
  for (int i = 0; i < 5; ++i) {
    scene_.relay.set_estimate(bob, PathEstimate{900'000, 0}, scene_.now);
    step();
  }
  EXPECT_EQ(layer_of(bob), "m");
}

TEST_F(SuspensionTest, WhoLeavesOrPausesWaitsForNothing) {
  run(10s);
  is_obedient_ = false;
  const SubscriberId bob = watch(LayerChoice::kHigh);
  const SubscriberId eve = watch(LayerChoice::kMid, 20);
  run(kFrame);
  EXPECT_EQ(scene_.relay.suspended_layers(TrackId(kCamera)), 0);
  scene_.relay.remove_subscriber(bob);
  scene_.relay.set_viewing(eve, rtp::Ssrc(20), {.is_paused = true}, scene_.now);
  run(1s);
  std::vector<LayerNews> news;
  scene_.relay.repeat_news(TrackId(kCamera));
  scene_.relay.take_news(news);
  for (const LayerNews& one : news) EXPECT_FALSE(one.watched);
}

TEST_F(SuspensionTest, APublisherWhoPausesIsAskedForNothing) {
  run(10s);
  ASSERT_EQ(told_, 1);
  sends_[0] = false;
  run(10s);
  sends_[0] = true;
  run(10s);
  EXPECT_EQ(told_, 1);
  EXPECT_THAT(sends_, ElementsAre(true, false, false));
}

// Whose layers are few by choice, by a narrow path, and by a wide one that has not been tried.
TEST_F(SuspensionTest, WhoWatchesAPublisherWhoPausesGoesOnWhereHeWas) {
  const SubscriberId bob = watch(LayerChoice::kLow);
  const SubscriberId eve = watch(LayerChoice::kHighest, 20);
  const auto run_narrow = [&](Duration duration) {
    for (const TimePoint end = scene_.now + duration; scene_.now < end;) {
      scene_.relay.set_estimate(eve, PathEstimate{200'000, 0}, scene_.now);
      step();
    }
  };
  run_narrow(15s);
  ASSERT_THAT(sends_, ElementsAre(true, false, false));
  const int told = told_;
  sends_[0] = false;
  run_narrow(20s);
  EXPECT_EQ(told_, told);
  sends_[0] = true;
  const size_t before = sent_[eve.value()];
  run_narrow(1s);
  EXPECT_GE(sent_[eve.value()] - before, 25u) << "of the low layer, without a key frame";
  EXPECT_EQ(layer_of(bob), "l");
  EXPECT_EQ(layer_of(eve), "l");
  EXPECT_EQ(told_, told);
}

TEST_F(SuspensionTest, WhatIsWantedElsewhereIsNotSuspended) {
  scene_.relay.set_wanted_elsewhere(TrackId(kCamera), 2, true);
  run(10s);
  EXPECT_THAT(sends_, ElementsAre(true, false, true));
  scene_.relay.set_wanted_elsewhere(TrackId(kCamera), 2, false);
  scene_.relay.set_wanted_elsewhere(TrackId(kCamera), 1, true);
  run(200ms);
  EXPECT_THAT(sends_, ElementsAre(true, true, true));
  run(10s);
  EXPECT_THAT(sends_, ElementsAre(true, true, false));
}

TEST_F(SuspensionTest, ATrackOfOneLayerAndSoundAreNeverSuspended) {
  const PublisherId eve = scene_.publish("eve", {audio_track(30), video_track(31)});
  scene_.relay.set_follows(eve, true);
  Source only(scene_.pool, {.ssrc = 40});
  for (int i = 0; i < 300; ++i) {
    scene_.receive(31, only.frame({.key = i == 0}));
    step();
  }
  EXPECT_EQ(scene_.relay.suspended_layers(TrackId(31)), 0);
  EXPECT_EQ(scene_.relay.suspended_layers(TrackId(30)), 0);
}

// What a borrower of the track is told.
class BorrowedSuspension : public ::testing::Test {
 protected:
  BorrowedSuspension() {
    scene_.publish("ana", {video_track(2, {"l", "h"})});
    scene_.relay.set_lent(TrackId(2), 1, false, scene_.now);
    tell({.publisher = {},
          .track = TrackId(2),
          .layer = 1,
          .seen = true,
          .suspended = true,
          .width = 640,
          .height = 360,
          .format = format_of(rtp::Codec::kVp8)});
    low_frame();
  }
  void tell(const LayerNews& news) { scene_.relay.receive_news(news, scene_.now); }
  void low_frame() {
    scene_.receive(2, low_.frame({.key = true}), 0);
    scene_.collect();
  }
  bool wants_high() {
    std::vector<LayerNews> news;
    scene_.relay.repeat_news(TrackId(2));
    scene_.relay.take_news(news);
    return news.at(1).watched;
  }
  std::string layer(SubscriberId viewer) const {
    return scene_.relay.slots_of(viewer)[0].layer.value_or("");
  }

  Scene scene_;
  Source low_{scene_.pool, {.ssrc = 1, .width = 320, .height = 180}};
  Source high_{scene_.pool, {.ssrc = 2, .width = 640, .height = 360}};
};

TEST_F(BorrowedSuspension, ALayerThatIsSuspendedAtHomeIsWaitedForHere) {
  EXPECT_FALSE(wants_high());
  const SubscriberId bob =
      scene_.watch({.participant = {}, .layer = LayerChoice::kHigh}, {video_slot(10)});
  low_frame();
  EXPECT_EQ(layer(bob), "l");
  EXPECT_TRUE(wants_high());
  scene_.relay.set_lent(TrackId(2), 1, true, scene_.now);
  scene_.receive(2, high_.frame({.key = true}), 1);
  scene_.collect();
  EXPECT_EQ(layer(bob), "h");
  EXPECT_TRUE(wants_high());
}

TEST_F(BorrowedSuspension, WhenHomeGivesItUpSoDoesWhoWaits) {
  scene_.watch({.participant = {}, .layer = LayerChoice::kHigh}, {video_slot(10)});
  low_frame();
  ASSERT_TRUE(wants_high());
  scene_.relay.set_lent(TrackId(2), 1, true, scene_.now);
  tell({.publisher = {},
        .track = TrackId(2),
        .layer = 1,
        .seen = true,
        .format = format_of(rtp::Codec::kVp8)});
  EXPECT_FALSE(wants_high());
}

}  // namespace
}  // namespace simpul::relay
