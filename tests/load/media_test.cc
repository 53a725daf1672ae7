#include "bench/load/media.h"

#include <gtest/gtest.h>

namespace simpul::load {
namespace {

using namespace std::chrono_literals;

TEST(LoadMedia, SimulcastHasHalfTheWidthAndAQuarterOfTheBitsInEachLayerBelow) {
  const auto profile = profile_of(
      VideoSettings{.bitrate_bps = 1'600'000, .width = 1280, .height = 720, .layers = 3});
  ASSERT_EQ(profile.layers.size(), 3u);
  EXPECT_EQ(profile.layers[0].rid, "q");
  EXPECT_EQ(profile.layers[0].bitrate_bps, 100'000u);
  EXPECT_EQ(profile.layers[0].width, 320);
  EXPECT_EQ(profile.layers[1].rid, "h");
  EXPECT_EQ(profile.layers[1].height, 360);
  EXPECT_EQ(profile.layers[2].rid, "f");
  EXPECT_EQ(profile.layers[2].bitrate_bps, 1'600'000u);
}

TEST(LoadMedia, OneLayerHasNoName) {
  const auto profile = profile_of(VideoSettings{.codec = Codec::kAv1, .frames_per_second = 25});
  ASSERT_EQ(profile.layers.size(), 1u);
  EXPECT_EQ(profile.layers[0].rid, "");
  EXPECT_EQ(profile.codec, rtp::Codec::kAv1);
  EXPECT_EQ(profile.frames_per_second, 25u);
  EXPECT_EQ(profile.pacing.burst_packets, 0u);
}

TEST(LoadMedia, FramesAreSentInBurstsWhenAskedFor) {
  const auto profile = profile_of(
      VideoSettings{.pacing = Pacing::kBursts, .burst_packets = 4, .burst_interval = 10ms});
  EXPECT_EQ(profile.pacing.burst_packets, 4u);
  EXPECT_EQ(profile.pacing.interval, 10ms);
}

TEST(LoadMedia, SoundIsOfThoseWhoPublishItAndAreNotPlain) {
  Scenario scenario;
  scenario.classes = {{.name = "default"}, {.name = "speaker"}, {.name = "plain", .plain = true}};
  scenario.phases = {{.publisher_class = 1}, {.publisher_class = 2}};
  const Sounds sounds(scenario);
  const peer::SoundClip* speech = sounds.of(1);
  ASSERT_NE(speech, nullptr);
  EXPECT_EQ(speech->packets.size(), 20u * 50) << "20 s of 20 ms";
  EXPECT_EQ(sounds.of(0), nullptr);
  EXPECT_EQ(sounds.of(2), nullptr);
}

// The bursts of losses are as long, and as many packets are lost, as was asked for.
TEST(LoadMedia, LosesInBurstsAsManyAsItWasTold) {
  const auto options = path_of({.burst_loss = 0.05, .burst_packets = 4});
  impairment::Path path(options, 7);
  impairment::Path::Output out;
  uint64_t bursts = 0;
  constexpr uint64_t kCount = 100'000;
  const std::vector<uint8_t> datagram(100);
  bool was_lost = false;
  for (uint64_t i = 0; i < kCount; ++i) {
    const uint64_t lost_before = path.counts().lost;
    path.receive(datagram, TimePoint(Duration(static_cast<int64_t>(i))), out);
    const bool lost = path.counts().lost > lost_before;
    bursts += lost && !was_lost;
    was_lost = lost;
  }
  const auto lost = static_cast<double>(path.counts().lost);
  EXPECT_NEAR(lost / kCount, 0.05, 0.005);
  EXPECT_NEAR(lost / static_cast<double>(bursts), 4, 0.4);
}

TEST(LoadMedia, AGoodNetworkIsLeftAlone) {
  EXPECT_EQ(path_of({}), (impairment::PathOptions{}));
  const auto options = path_of({.loss = 0.1, .delay = 20ms, .jitter = 5ms, .rate_bps = 1'000'000});
  EXPECT_EQ(options.loss, 0.1);
  EXPECT_EQ(options.delay, 20ms);
  EXPECT_EQ(options.jitter, 5ms);
  EXPECT_EQ(options.rate_bps, 1'000'000u);
}

}  // namespace
}  // namespace simpul::load
