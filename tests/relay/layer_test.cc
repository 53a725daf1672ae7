#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "relay/layer_filter.h"
#include "relay/layer_meters.h"
#include "tests/relay/layered_source.h"

namespace simpul::relay {
namespace {

using namespace testing;

constexpr uint32_t kTrack = 2;

struct LayersOfOneStream : ::testing::Test {
  Scene scene;
  SubscriberId watcher{};
  size_t requests = 0;  // for key frames

  void begin(rtp::Codec codec, const Wish& wish = {}) {
    auto track = video_track(kTrack);
    track.codec = codec;
    scene.publish("ana", {track});
    watcher = scene.watch(wish, {video_slot(10)});
  }
  std::vector<Sent> pass(std::vector<rtp::MediaPacket> packets) {
    requests += scene.requests(33ms);
    return scene.pass(kTrack, std::move(packets));
  }
  void want(uint8_t spatial, uint8_t temporal) {
    scene.relay.set_target(watcher, rtp::Ssrc(10),
                           LayerTarget{.spatial = spatial, .temporal = temporal}, scene.now);
  }
};

TEST_F(LayersOfOneStream, TheLowChoiceIsTheLowestSpatialLayer) {
  begin(rtp::Codec::kVp9, {.participant = "", .layer = LayerChoice::kLow});
  LayeredSource source(scene.pool, {});
  EXPECT_EQ(pass(source.picture(true, 2)).size(), 2u);
  EXPECT_EQ(pass(source.picture(false, 2)).size(), 2u);
  EXPECT_EQ(scene.relay.slots_of(watcher)[0].sublayers->spatial, 0);
}

// What the others depend on is told by the first packet alone.
TEST_F(LayersOfOneStream, AKeyFrameWhoseFirstPacketComesLateLosesNoLayer) {
  begin(rtp::Codec::kAv1);
  LayeredSource source(scene.pool, {.codec = rtp::Codec::kAv1});
  want(1, 2);
  auto picture = source.picture(true, 2);
  std::vector<rtp::MediaPacket> first;
  first.push_back(std::move(picture.front()));
  picture.erase(picture.begin());
  EXPECT_EQ(pass(std::move(picture)).size(), 0u);
  EXPECT_EQ(pass(std::move(first)).size(), 4u) << "two spatial layers of three";
}

// The frame numbers that are left keep their distances, so that the receiver sees by its chain
// that the layer it has is broken, and complains.
TEST_F(LayersOfOneStream, NothingHigherBeginsWithWhatRefersToAFrameThatNeverCame) {
  begin(rtp::Codec::kAv1);
  LayeredSource source(scene.pool, {.codec = rtp::Codec::kAv1, .spatial_layers = 1});
  want(0, 0);
  const auto key = pass(source.picture(true, 1));
  ASSERT_EQ(key.size(), 1u);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pass(source.picture(false, 1)).size(), 0u);
  source.picture(false, 1);  // the next of the base layer, and of its chain, is lost
  want(0, 2);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pass(source.picture(false, 1)).size(), 0u);
  const auto next = pass(source.picture(false, 1));
  ASSERT_EQ(next.size(), 1u) << "it switches, but refers to what was lost";
  EXPECT_EQ(static_cast<uint16_t>(*next[0].frame_number - *key[0].frame_number), 8);
  EXPECT_EQ(next[0].active.mask, 1u);
}

// Nor with what refers to something that does, until there is a key frame; that is asked for when
// nothing comes late.
TEST_F(LayersOfOneStream, NothingHigherBeginsOnABaseThatCannotBeDecoded) {
  begin(rtp::Codec::kAv1);
  LayeredSource source(scene.pool,
                       {.codec = rtp::Codec::kAv1, .spatial_layers = 1, .sync_every = 1});
  const auto pass_cycle = [&] {
    size_t sent = 0;
    for (int i = 0; i < 4; ++i) sent += pass(source.picture(false, 1)).size();
    return sent;
  };
  want(0, 0);
  pass(source.picture(true, 1));
  for (int i = 0; i < 3; ++i) pass(source.picture(false, 1));
  auto lost = source.picture(false, 1);
  for (int i = 0; i < 3; ++i) pass(source.picture(false, 1));
  want(0, 2);
  const size_t before = requests;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(pass_cycle(), 1u) << "cycle " << i;
  EXPECT_EQ(requests, before) << "it may come late";
  pass(std::move(lost));
  EXPECT_EQ(pass_cycle(), 4u);
  // Once more, and this time it does not come.
  want(0, 0);
  pass_cycle();
  source.picture(false, 1);
  for (int i = 0; i < 3; ++i) pass(source.picture(false, 1));
  want(0, 2);
  for (int i = 0; i < LayerSelector::kBrokenMax + 2; ++i) {
    EXPECT_EQ(pass_cycle(), 1u) << "cycle " << i;
  }
  EXPECT_EQ(requests, before + 1);
  pass(source.picture(true, 1));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(pass(source.picture(false, 1)).size(), 1u);
}

TEST_F(LayersOfOneStream, TheMarkerMovesToTheLastPacketThatIsSent) {
  begin(rtp::Codec::kVp9);
  LayeredSource source(scene.pool, {});
  pass(source.picture(true, 2));
  want(1, 2);
  const auto sent = pass(source.picture(false, 2));
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_FALSE(sent[1].marker);
  EXPECT_TRUE(sent[3].marker);
}

TEST_F(LayersOfOneStream, ADownSwitchOfLayersThatDependOnKeyPicturesAloneWaitsForOne) {
  begin(rtp::Codec::kVp9);
  LayeredSource source(scene.pool, {.key_only = true});
  pass(source.picture(true, 1));
  want(2, 7);
  pass(source.picture(true, 1));
  EXPECT_EQ(pass(source.picture(false, 1)).size(), 1u) << "of the others nothing is needed";
  const size_t before = requests;
  want(0, 7);
  pass(source.picture(false, 1));
  for (int i = 0; i < 10; ++i) requests += scene.requests(100ms);
  EXPECT_GT(requests, before);
  pass(source.picture(true, 1));
  pass(source.picture(false, 1));
  EXPECT_EQ(scene.relay.slots_of(watcher)[0].sublayers->spatial, 0);
}

TEST_F(LayersOfOneStream, TheReceiverIsToldWhichDecodeTargetsAreWhole) {
  begin(rtp::Codec::kAv1);
  LayeredSource source(scene.pool, {.codec = rtp::Codec::kAv1, .temporal_layers = 1});
  pass(source.picture(true, 1));
  want(1, 7);
  scene.now += 33ms;
  scene.receive(kTrack, source.picture(false, 1));
  SubscriberBatch batch;
  ASSERT_TRUE(scene.relay.collect(scene.now, 0ms, batch));
  ASSERT_EQ(batch.packets.size(), 2u);
  for (const auto& packet : batch.packets) {
    EXPECT_EQ(packet.active_targets.mask, 0b011u);
    EXPECT_EQ(packet.active_targets.count, 3);
  }
}

TEST_F(LayersOfOneStream, EveryChoiceIsListedWithWhatItCosts) {
  begin(rtp::Codec::kVp9);
  LayeredSource source(scene.pool, {.temporal_layers = 1});
  pass(source.picture(true, 1));
  for (int i = 0; i < 29; ++i) pass(source.picture(false, 1));
  const auto options = scene.relay.tracks_of(PublisherId(1))[0].layers[0].options;
  ASSERT_EQ(options.size(), 3u);
  EXPECT_GT(options[0].bitrate_bps, 0u);
  EXPECT_NEAR(static_cast<double>(options[2].bitrate_bps),
              3.0 * static_cast<double>(options[0].bitrate_bps),
              static_cast<double>(options[0].bitrate_bps) / 4);
  EXPECT_TRUE(options[2].active);
  EXPECT_EQ(options[2].spatial, 2);
}

TEST(LayerMeters, TellApartNoMoreThanTheirLimit) {
  LayerMeters meters;
  for (uint8_t i = 0; i < 64; ++i) {
    meters.add({.layering = rtp::Layering::kVp9,
                .spatial = static_cast<uint8_t>(i % 8),
                .temporal = static_cast<uint8_t>(i / 8)},
               100, TimePoint{1s});
  }
  EXPECT_EQ(meters.states(TimePoint{1s}).size(), LayerMeters::kCellsMax);
}

TEST(LayerMap, ForgetsTheOldestOfTooManySelections) {
  LayerMap map(2'000);
  FeedPacket packet;
  packet.number = 2'000;
  const FeedPacket first = packet;
  for (size_t i = 0; i <= LayerMap::kChangesMax; ++i) {
    map.select(packet, {.has_all = false, .temporal = static_cast<uint8_t>(i % 3)});
    map.take(packet);
    ++packet.number;
  }
  EXPECT_EQ(map.selection_of(first), nullptr);
  EXPECT_FALSE(map.find(first));
}

}  // namespace
}  // namespace simpul::relay
