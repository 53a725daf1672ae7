#include "relay/layer_options.h"

#include <gtest/gtest.h>

#include "tests/relay/layered_source.h"

namespace simpul::relay {
namespace {

using namespace testing;

class SizesOfSpatialLayers : public ::testing::TestWithParam<rtp::Codec> {};

TEST_P(SizesOfSpatialLayers, AreThoseThatTheKeyFrameTells) {
  PacketPool pool(100);
  std::vector<Feed> feeds;
  feeds.emplace_back("", video_track(2), Limits{});
  LayeredSource source(
      pool, {.codec = GetParam(), .temporal_layers = 1, .widths = {320, 480, 1'280, 1'920}});
  TimePoint now{10s};
  for (int i = 0; i < 10; ++i, now += 33ms) {
    for (auto& packet : source.picture(i == 0, 2)) feeds[0].take(std::move(packet), now);
  }
  LayerOptions options;
  std::vector<std::pair<int, int>> sizes;
  for (const LayerOption& option : options.of(feeds, now)) {
    sizes.emplace_back(option.width, option.height);
  }
  EXPECT_EQ(sizes, (std::vector<std::pair<int, int>>{{320, 180}, {480, 270}, {1'280, 720}}));
}

INSTANTIATE_TEST_SUITE_P(Codecs, SizesOfSpatialLayers,
                         ::testing::Values(rtp::Codec::kVp9, rtp::Codec::kAv1),
                         [](const auto& tested) { return std::string(to_string(tested.param)); });

}  // namespace
}  // namespace simpul::relay
