// Slots follow what the path to their receiver carries and what it has use for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "relay/allotments.h"
#include "relay/layer_rate.h"
#include "tests/relay/layered_source.h"

namespace simpul::relay {
namespace {

using namespace testing;
using enum GrantCause;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kVoice = 1;
constexpr uint32_t kCamera = 2;
constexpr rtp::Ssrc kVideo(10);
constexpr uint32_t kSmall = 320 * 180;

// Somebody sends three layers of about 0.13, 0.5 and 1.5 Mbit/s, and key frames when asked to.
class AllotmentTest : public ::testing::Test {
 protected:
  static constexpr Duration kFrame = 33ms;

  AllotmentTest() {
    ana_ = scene_.publish("ana", {audio_track(kVoice), video_track(kCamera, {"l", "m", "h"})});
  }

  SubscriberId watch(LayerChoice choice = LayerChoice::kHighest) {
    bob_ = scene_.watch({.participant = {}, .layer = choice}, {audio_slot(1), video_slot(10)});
    return bob_;
  }
  // Lets time pass; the estimate is told ten times a second.
  void run(Duration duration, std::optional<uint64_t> estimate = {}, uint64_t arriving = 0) {
    for (const TimePoint end = scene_.now + duration; scene_.now < end;) {
      if (estimate && scene_.now >= told_at_ + 100ms) {
        told_at_ = scene_.now;
        scene_.relay.set_estimate(bob_, PathEstimate{*estimate, arriving, is_full_}, scene_.now);
      }
      step();
    }
  }
  void step() {
    scene_.now += kFrame;
    take(scene_.advance());
    constexpr std::array<size_t, 3> kPackets = {1, 2, 6};
    constexpr std::array<size_t, 3> kSizes = {500, 1'000, 1'000};
    for (uint8_t layer = 0; layer < 3; ++layer) {
      if (!sends_[layer]) continue;
      const bool key = answers_ && std::exchange(wants_key_[layer], false);
      scene_.receive(kCamera,
                     layers_[layer].frame(
                         {.key = key, .packets = kPackets[layer], .packet_size = kSizes[layer]}),
                     layer);
    }
    scene_.relay.receive(TrackId(kVoice), 0, voice_.audio(), scene_.now);
    for (const Sent& sent : scene_.collect()) {
      ++(sent.ssrc == kVideo ? video_ : audio_);
      if (sent.ssrc == kVideo) last_ = rtp::SequenceNumber(static_cast<uint16_t>(sent.index));
    }
    const auto now = layer();
    if (now != before_) ++switches_;
    before_ = now;
  }
  void take(const Output& out) {
    for (const KeyFrameRequest& request : out.key_frame_requests) {
      wants_key_[request.layer] = true;
      ++requests_;
    }
    for (const ProbeWish& wish : out.probe_wishes) probes_.push_back(wish.bps);
  }
  // Until the slot carries that; how long it took.
  Duration until(const std::string& rid, std::optional<uint64_t> estimate = {}) {
    const TimePoint from = scene_.now;
    while (layer() != rid && scene_.now < from + 30s) run(kFrame, estimate);
    return scene_.now - from;
  }
  std::string layer() const {
    const auto slots = scene_.relay.slots_of(bob_);
    return slots.size() < 2 ? "" : slots[1].layer.value_or("");
  }
  // What the viewer is sent again of what it had last.
  uint64_t repaired() {
    const uint64_t before = scene_.relay.counters().retransmissions;
    scene_.relay.receive_nack(bob_, kVideo, std::span(&last_, 1), scene_.now);
    scene_.collect();
    return scene_.relay.counters().retransmissions - before;
  }
  bool is_paused() const { return scene_.relay.slots_of(bob_)[1].is_paused; }
  Explanation explain() { return scene_.relay.explain(bob_, scene_.now); }
  GrantCause cause() { return explain().slots.at(0).grant.cause; }
  size_t video_of(Duration duration, std::optional<uint64_t> estimate = {}) {
    const size_t before = video_;
    run(duration, estimate);
    return video_ - before;
  }

  Scene scene_;
  PublisherId ana_;
  SubscriberId bob_;
  std::array<Source, 3> layers_{Source(scene_.pool, {.ssrc = 1, .width = 320, .height = 180}),
                                Source(scene_.pool, {.ssrc = 2, .width = 640, .height = 360}),
                                Source(scene_.pool, {.ssrc = 3, .width = 1280, .height = 720})};
  Source voice_{scene_.pool, {.ssrc = 7, .codec = rtp::Codec::kOpus}};
  std::array<bool, 3> wants_key_{true, true, true};
  std::array<bool, 3> sends_{true, true, true};
  bool answers_ = true;  // with key frames
  bool is_full_ = false;
  rtp::SequenceNumber last_{0};
  TimePoint told_at_{};
  size_t audio_ = 0;
  size_t video_ = 0;
  size_t requests_ = 0;
  std::string before_;
  int switches_ = 0;
  std::vector<uint64_t> probes_;
};

TEST_F(AllotmentTest, NothingIsHeldBackWhileNothingIsKnownOfThePath) {
  watch();
  EXPECT_LE(until("h"), 300ms);
  run(3s);
  EXPECT_EQ(cause(), kLargest);
  EXPECT_THAT(probes_, IsEmpty());
}

TEST_F(AllotmentTest, WhatFitsGoesOnWhenThePathBecomesKnown) {
  watch();
  run(3s);
  switches_ = 0;
  run(10s, 3'000'000);
  EXPECT_EQ(layer(), "h");
  EXPECT_EQ(switches_, 0);
}

TEST_F(AllotmentTest, ALayerThatDoesNotFitIsLeftAtOnce) {
  watch();
  run(15s, 3'000'000);
  ASSERT_EQ(layer(), "h");
  EXPECT_LE(until("m", 700'000), 400ms);
  EXPECT_LE(until("l", 300'000), 400ms);
  EXPECT_EQ(cause(), kEstimate);
}

TEST_F(AllotmentTest, WhatIsFarTooMuchForAFullPathEndsBeforeTheNextLayerBegins) {
  watch();
  run(15s, 3'000'000);
  ASSERT_EQ(layer(), "h");
  answers_ = false;
  is_full_ = true;
  run(300ms, 300'000);
  EXPECT_EQ(layer(), "");
  EXPECT_EQ(video_of(1s, 300'000), 0u);
  EXPECT_EQ(cause(), kWaitingForKeyFrame);
  answers_ = true;
  EXPECT_LE(until("l", 300'000), 100ms);
}

TEST_F(AllotmentTest, WhatIsNotFarTooMuchGoesOnUntilTheNextLayerBegins) {
  watch();
  run(15s, 3'000'000);
  answers_ = false;
  run(300ms, 300'000);
  EXPECT_EQ(layer(), "h") << "nothing is lost yet: no queue is full";
  is_full_ = true;
  EXPECT_GT(video_of(1s, 900'000), 100u);
  EXPECT_EQ(layer(), "h");
}

TEST_F(AllotmentTest, WhatFillsThePathEndsAlsoWhenThatIsKnownOnlyAfterTheDecision) {
  watch();
  run(15s, 3'000'000);
  answers_ = false;
  run(300ms, 300'000);
  ASSERT_EQ(layer(), "h");
  is_full_ = true;
  run(300ms, 300'000);
  EXPECT_EQ(layer(), "");
}

TEST_F(AllotmentTest, NothingEndsForAKeyFrameThatWouldNotShow) {
  watch();
  run(15s, 3'000'000);
  answers_ = false;
  run(6s, 300'000);
  is_full_ = true;
  EXPECT_GT(video_of(2s, 300'000), 100u) << "it does not come when it is asked for";
  EXPECT_EQ(layer(), "h");
}

TEST_F(AllotmentTest, WhatWasEndedIsNotRepaired) {
  watch();
  scene_.watch({}, {audio_slot(3), video_slot(30)});  // so that it stays at hand
  run(15s, 3'000'000);
  EXPECT_EQ(repaired(), 1u);
  answers_ = false;
  is_full_ = true;
  run(300ms, 300'000);
  ASSERT_EQ(layer(), "");
  EXPECT_EQ(repaired(), 0u);
  answers_ = true;
  run(300ms, 300'000);
  ASSERT_EQ(layer(), "l");
  EXPECT_EQ(repaired(), 1u) << "and what came after it is";
}

TEST_F(AllotmentTest, OntoAFullPathNothingIsReplayed) {
  watch();
  run(15s, 3'000'000);
  scene_.watch({.participant = {}, .layer = LayerChoice::kLow}, {audio_slot(3), video_slot(30)});
  run(500ms, 3'000'000);
  answers_ = false;
  requests_ = 0;
  is_full_ = true;
  run(300ms, 300'000);
  EXPECT_EQ(layer(), "") << "the next layer's last key frame is at hand";
  EXPECT_EQ(video_of(500ms, 300'000), 0u);
  answers_ = true;
  EXPECT_LE(until("l", 300'000), 1s);
  EXPECT_EQ(requests_, 1u) << "asked for before it was known that the other has to end";
}

TEST_F(AllotmentTest, ALayerIsTakenWhenItHasFittedForAWhile) {
  watch();
  run(10s, 300'000);
  ASSERT_EQ(layer(), "l");
  const Duration took = until("h", 3'000'000);
  EXPECT_GE(took, RecentMinimum::kGeneration);
  EXPECT_LE(took, 2 * RecentMinimum::kGeneration + 500ms);
  switches_ = 0;
  run(60s, 3'000'000);
  EXPECT_EQ(switches_, 0);
}

TEST_F(AllotmentTest, VideoPausesAndAudioGoesOnWhereEvenTheLeastDoesNotFit) {
  watch();
  run(5s, 3'000'000);
  run(4s, 60'000);
  EXPECT_TRUE(is_paused());
  EXPECT_EQ(cause(), kPausedByEstimate);
  const size_t heard = audio_;
  EXPECT_EQ(video_of(5s, 60'000), 0u);
  EXPECT_GT(audio_, heard + 100);
  EXPECT_GT(probes_.back(), 128'000u);
  EXPECT_GT(video_of(4s, 400'000), 50u);
  EXPECT_FALSE(is_paused());
}

TEST_F(AllotmentTest, PathsOfThoseWhoArePausedAreProbed) {
  watch();
  run(5s, 3'000'000);
  run(10s, 60'000);
  ASSERT_TRUE(is_paused());
  SubscriberBatch batch;
  ASSERT_TRUE(scene_.relay.collect_padding(bob_, 500, scene_.now, batch));
  EXPECT_FALSE(batch.packets.empty());
}

TEST_F(AllotmentTest, APauseEndsWhenNothingIsKnownOfThePathAnyMore) {
  watch();
  run(5s, 60'000);
  ASSERT_TRUE(is_paused());
  scene_.relay.set_estimate(bob_, std::nullopt, scene_.now);
  EXPECT_LE(until("h"), 300ms);
}

TEST_F(AllotmentTest, TheLeastGoesOnAsLongAsAGoodPartOfItArrives) {
  sends_ = {false, false, true};
  watch();
  run(3s);
  run(20s, 1'200'000, 1'560'000);
  EXPECT_FALSE(is_paused());
  EXPECT_EQ(layer(), "h");
  run(20s, 900'000, 1'000'000);
  EXPECT_FALSE(is_paused()) << "what is lost may have gone by chance";
  run(4s, 600'000, 500'000);
  EXPECT_TRUE(is_paused());
}

TEST_F(AllotmentTest, NoLayerIsLargerThanItIsShown) {
  watch();
  scene_.relay.set_viewing(bob_, kVideo, {.wanted_pixels = kSmall}, scene_.now);
  run(1s);
  EXPECT_EQ(layer(), "l");
  EXPECT_EQ(cause(), kLargestWanted);
  scene_.relay.set_viewing(bob_, kVideo, {}, scene_.now);
  EXPECT_LE(until("h"), 300ms);
}

TEST_F(AllotmentTest, NothingLeavesOfASlotThatIsPausedAndItBeginsAgainWithAKeyFrame) {
  watch();
  run(1s);
  scene_.relay.set_viewing(bob_, kVideo, {.is_paused = true}, scene_.now);
  run(200ms);
  EXPECT_EQ(video_of(3s), 0u);
  EXPECT_TRUE(is_paused());
  EXPECT_EQ(scene_.relay.slots_of(bob_)[1].participant, "ana");
  EXPECT_EQ(cause(), kPausedByRequest);
  std::vector<LayerNews> news;
  scene_.relay.take_news(news);
  for (const LayerNews& one : news) EXPECT_FALSE(one.watched && one.track == TrackId(kCamera));
  requests_ = 0;
  scene_.relay.set_viewing(bob_, kVideo, {}, scene_.now);
  EXPECT_LE(until("h"), 300ms);
  EXPECT_EQ(requests_, 1u);
}

TEST_F(AllotmentTest, ASlotThatIsPausedStaysSoWhenSomebodyElseIsInIt) {
  watch();
  scene_.relay.set_viewing(bob_, kVideo, {.is_paused = true}, scene_.now);
  run(1s);
  scene_.relay.remove_publisher(ana_, scene_.now);
  scene_.publish("eve", {audio_track(kVoice), video_track(kCamera, {"l", "m", "h"})});
  EXPECT_EQ(video_of(3s), 0u);
  EXPECT_EQ(scene_.relay.slots_of(bob_)[1].participant, "eve");
}

TEST_F(AllotmentTest, WhatTheViewerChoseIsNotExceeded) {
  watch(LayerChoice::kMid);
  run(10s, 5'000'000);
  EXPECT_EQ(layer(), "m");
  EXPECT_EQ(cause(), kLargestAsked);
  EXPECT_EQ(probes_.back(), 0u);
  EXPECT_LE(until("l", 300'000), 400ms);
}

TEST_F(AllotmentTest, TwoSlotsShareThePathByPriority) {
  scene_.publish("eve", {video_track(20, {"l", "m", "h"})});
  bob_ = scene_.watch({}, {audio_slot(1), video_slot(10), video_slot(12)});
  std::array<Source, 3> eve{Source(scene_.pool, {.ssrc = 4, .width = 320, .height = 180}),
                            Source(scene_.pool, {.ssrc = 5, .width = 640, .height = 360}),
                            Source(scene_.pool, {.ssrc = 6, .width = 1280, .height = 720})};
  const auto run_both = [&](Duration duration, uint64_t estimate) {
    for (const TimePoint end = scene_.now + duration; scene_.now < end;) {
      constexpr std::array<size_t, 3> kPackets = {1, 2, 6};
      for (uint8_t layer = 0; layer < 3; ++layer) {
        scene_.receive(
            20, eve[layer].frame({.key = true, .packets = kPackets[layer], .packet_size = 1'000}),
            layer);
      }
      run(kFrame, estimate);
    }
  };
  const auto layer_of = [&](const std::string& participant) {
    for (const SlotState& slot : scene_.relay.slots_of(bob_)) {
      if (slot.participant == participant && slot.layer) return *slot.layer;
    }
    return std::string();
  };
  const auto ssrc_of = [&](const std::string& participant) {
    for (const SlotState& slot : scene_.relay.slots_of(bob_)) {
      if (slot.participant == participant && slot.kind == rtp::MediaKind::kVideo) return slot.ssrc;
    }
    return rtp::Ssrc();
  };
  run_both(500ms, 2'200'000);
  scene_.relay.set_viewing(bob_, ssrc_of("ana"), {.priority = 200}, scene_.now);
  run_both(10s, 2'200'000);
  EXPECT_EQ(layer_of("ana"), "h");
  EXPECT_NE(layer_of("eve"), "h");
  scene_.relay.set_viewing(bob_, ssrc_of("ana"), {}, scene_.now);
  scene_.relay.set_viewing(bob_, ssrc_of("eve"), {.priority = 200}, scene_.now);
  run_both(10s, 2'200'000);
  EXPECT_NE(layer_of("ana"), "h");
  EXPECT_EQ(layer_of("eve"), "h");
}

TEST_F(AllotmentTest, ALayerThatIsNotLentCostsWhatItsHomeTells) {
  watch();
  sends_ = {true, false, false};
  scene_.relay.set_lent(TrackId(kCamera), 1, false, scene_.now);
  scene_.relay.set_lent(TrackId(kCamera), 2, false, scene_.now);
  const auto tell = [&](uint8_t layer, uint16_t width, uint64_t bps) {
    scene_.relay.receive_news({.publisher = {},
                               .track = TrackId(kCamera),
                               .layer = layer,
                               .seen = true,
                               .active = true,
                               .width = width,
                               .height = static_cast<uint16_t>(width * 9 / 16),
                               .format = format_of(rtp::Codec::kVp8),
                               .bitrate_bps = bps,
                               .frames_per_second = 30},
                              scene_.now);
  };
  tell(1, 640, 800'000);
  tell(2, 1'280, 4'000'000);
  run(5s, 1'200'000);
  const SlotGrant grant = explain().slots.at(0).grant;
  EXPECT_EQ(grant.layer->encoding, 1);
  EXPECT_EQ(grant.bitrate_bps, 800'000u);
  EXPECT_EQ(grant.next->encoding, 2);
  EXPECT_GT(grant.needed_bps, 4'000'000u);
}

TEST_F(AllotmentTest, WhatToProbeForIsSaidWhenItChanges) {
  watch();
  run(10s, 300'000);
  ASSERT_THAT(probes_, ::testing::Not(IsEmpty()));
  EXPECT_GT(probes_.back(), 500'000u);
  EXPECT_LT(probes_.back(), 900'000u);
  run(10s, 3'000'000);
  EXPECT_EQ(probes_.back(), 0u);
  const size_t told = probes_.size();
  run(5s, 3'000'000);
  EXPECT_EQ(probes_.size(), told);
}

TEST_F(AllotmentTest, NobodyIsDecidedUponMoreOftenThanTenTimesASecond) {
  watch();
  run(1s);
  const uint64_t looks = scene_.relay.looks();
  Output out;
  for (uint32_t i = 0; i < 1'000; ++i) {
    scene_.now += 1ms;
    scene_.relay.set_viewing(bob_, kVideo, {.wanted_pixels = kSmall * (1 + i % 20)}, scene_.now);
    scene_.relay.set_estimate(bob_, PathEstimate{.bps = 1'000 + i}, scene_.now);
    scene_.relay.advance(scene_.now, out);
  }
  // The rest are those of tracks and slots.
  EXPECT_LE(scene_.relay.looks() - looks, 10u + 60u);
}

TEST_F(AllotmentTest, ManySubscribersAreDecidedUponInTurns) {
  std::vector<SubscriberId> all;
  for (size_t i = 0; i < 3 * Allotments::kRunMax; ++i) all.push_back(watch());
  run(500ms);
  for (const SubscriberId one : all) {
    scene_.relay.set_estimate(one, PathEstimate{.bps = 300'000}, scene_.now);
  }
  Output out;
  size_t told = 0;
  for (size_t turn = 0; turn < 3; ++turn) {
    EXPECT_LE(scene_.relay.next_deadline(), scene_.now);
    scene_.relay.advance(scene_.now, out);
    EXPECT_EQ(out.probe_wishes.size() - std::exchange(told, out.probe_wishes.size()),
              Allotments::kRunMax);
  }
  scene_.relay.advance(scene_.now, out);
  EXPECT_EQ(out.probe_wishes.size(), told);
  for (const SubscriberId one : all) scene_.relay.remove_subscriber(one);
}

TEST_F(AllotmentTest, ASubscriberWhoLeavesIsNotDecidedUponAnyMore) {
  watch();
  run(1s, 300'000);
  scene_.relay.set_viewing(bob_, kVideo, {.priority = 3}, scene_.now);
  scene_.relay.remove_subscriber(bob_);
  run(1s);
  scene_.relay.set_estimate(bob_, PathEstimate{.bps = 1}, scene_.now);
  scene_.relay.set_viewing(bob_, kVideo, {.priority = 4}, scene_.now);
  EXPECT_THAT(explain().slots, IsEmpty());
}

TEST_F(AllotmentTest, WhoOnlyListensHasNothingToDecideUpon) {
  bob_ = scene_.watch({}, {audio_slot(1)});
  scene_.relay.set_estimate(bob_, PathEstimate{.bps = 300'000}, scene_.now);
  Output out = scene_.advance(1s);
  EXPECT_THAT(out.probe_wishes, IsEmpty());
  EXPECT_THAT(explain().slots, IsEmpty());
}

TEST_F(AllotmentTest, IsExplainedWithTheNamesOfTheLayers) {
  watch();
  run(10s, 800'000);
  const Explanation told = explain();
  EXPECT_EQ(told.estimate_bps, 800'000u);
  EXPECT_GT(told.audio_bps, 20'000u);
  ASSERT_THAT(told.slots, SizeIs(1));
  EXPECT_EQ(told.slots[0].ssrc, kVideo);
  EXPECT_EQ(told.slots[0].granted_layer, "m");
  EXPECT_EQ(told.slots[0].next_layer, "h");
  EXPECT_EQ(told.slots[0].grant.cause, kEstimate);
  EXPECT_NEAR(static_cast<double>(told.slots[0].grant.bitrate_bps), 500'000, 30'000);
}

TEST_F(AllotmentTest, ASlotWithoutAnybodyIsExplainedAsEmpty) {
  scene_.relay.remove_publisher(ana_, scene_.now);
  watch();
  EXPECT_EQ(cause(), kEmpty);
}

TEST_F(AllotmentTest, ALayerThatFallsSilentIsStoodInForByWhatFits) {
  watch();
  run(10s, 800'000);
  ASSERT_EQ(layer(), "m");
  sends_[1] = false;
  run(3s, 800'000);
  EXPECT_EQ(layer(), "l");
  EXPECT_EQ(cause(), kEstimate);
}

TEST(AllotmentOfLayers, TheSpatialLayersOfOneStreamFollowThePath) {
  Scene scene;
  auto track = video_track(kCamera);
  track.codec = rtp::Codec::kVp9;
  scene.publish("ana", {track});
  const SubscriberId bob = scene.watch({}, {video_slot(10)});
  LayeredSource source(scene.pool, {});
  size_t bytes = 0;
  const auto run = [&](Duration duration, uint64_t estimate, bool key) {
    for (const TimePoint end = scene.now + duration; scene.now < end; scene.now += 33ms) {
      scene.relay.set_estimate(bob, PathEstimate{.bps = estimate}, scene.now);
      const bool asked = !scene.advance().key_frame_requests.empty();
      for (const Sent& sent :
           scene.pass(kCamera, source.picture(asked || std::exchange(key, false), 2))) {
        bytes += sent.payload.size();
      }
    }
  };
  run(15s, 10'000'000, true);
  EXPECT_EQ(scene.relay.slots_of(bob)[0].sublayers->spatial, 2);
  EXPECT_EQ(scene.relay.slots_of(bob)[0].sublayers->temporal, 2);
  const uint64_t all = scene.relay.explain(bob, scene.now).slots.at(0).grant.bitrate_bps;
  ASSERT_GT(all, 0u);
  run(2s, all / 2, false);
  const auto told = scene.relay.explain(bob, scene.now).slots.at(0);
  EXPECT_EQ(told.granted_layer->front(), 'S');
  EXPECT_NE(told.granted_layer, "S2T2");
  EXPECT_LE(told.grant.bitrate_bps, all / 2);
  ASSERT_TRUE(scene.relay.slots_of(bob)[0].sublayers);
  bytes = 0;
  run(1s, all / 2, false);
  EXPECT_LT(bytes * 8, all / 2);
  run(6s, 10'000'000, false);
  EXPECT_EQ(scene.relay.explain(bob, scene.now).slots.at(0).granted_layer, "S2T2");
  EXPECT_EQ(scene.relay.explain(bob, scene.now).slots.at(0).grant.cause, kLargest);
}

TEST(AllotmentOfLayers, AStreamWhoseLayersAreNotLentAnyMoreIsStillThere) {
  Scene scene;
  scene.publish("ana", {video_track(kCamera)});
  const SubscriberId bob = scene.watch({}, {video_slot(10)});
  LayeredSource source(scene.pool, {.codec = rtp::Codec::kVp8, .spatial_layers = 1});
  const auto tell = [&] {
    scene.relay.set_estimate(bob, PathEstimate{.bps = 2'000'000}, scene.now);
  };
  for (int i = 0; i < 150; ++i, scene.now += 33ms) {
    tell();
    scene.advance();
    scene.pass(kCamera, source.picture(i == 0, 2));
  }
  scene.relay.set_lent(TrackId(kCamera), 0, false, scene.now);
  for (int i = 0; i < 30; ++i, scene.now += 100ms) {
    tell();
    scene.relay.receive_news({.publisher = {},
                              .track = TrackId(kCamera),
                              .layer = 0,
                              .seen = true,
                              .active = true,
                              .width = 640,
                              .height = 360,
                              .format = format_of(rtp::Codec::kVp8),
                              .bitrate_bps = 300'000,
                              .frames_per_second = 30},
                             scene.now);
    scene.advance();
  }
  const SlotGrant grant = scene.relay.explain(bob, scene.now).slots.at(0).grant;
  EXPECT_TRUE(grant.layer);
  EXPECT_NE(grant.cause, kPublisherNotSending);
}

TEST(LayerRate, IsThatOfAFewSeconds) {
  LayerRate rate;
  TimePoint now{10s};
  rate.begin(now);
  EXPECT_EQ(rate.bits_per_second(), 0u);
  const auto run = [&](int packets, size_t size) {
    for (int i = 0; i < packets; ++i) rate.add(size, now += 10ms);
  };
  run(310, 1'000 - 36);
  EXPECT_NEAR(static_cast<double>(rate.bits_per_second()), 800'000, 10'000);
  run(101, 4 * 1'000 - 36);  // as a key frame makes it
  EXPECT_GT(rate.bits_per_second(), 1'300'000u);
  EXPECT_LT(rate.bits_per_second(), 1'700'000u);
  rate.tell(5);
  EXPECT_EQ(rate.bits_per_second(), 5u);
}

}  // namespace
}  // namespace simpul::relay
