#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

#include "tests/relay/layer_receiver.h"

namespace simpul::relay {
namespace {

using namespace testing;

constexpr size_t kPackets = 1'500;  // that the relay and the network hold at a time
constexpr uint32_t kTrack = 2;
constexpr uint32_t kSsrc = 10;
constexpr uint32_t kRepairSsrc = 11;

// One layered stream, and three receivers and one who comes later, whose targets change by chance,
// over a network that loses, delays and repeats. Packets are collected after each picture, or
// whenever.
class Layers {
 public:
  Layers(const LayeredSource::Options& options, uint64_t seed, bool lossy)
      : random_(seed),
        scene_({}, seed, kPackets),
        options_(options),
        lossy_(lossy),
        source_(scene_.pool, options) {
    auto track = video_track(kTrack);
    track.codec = options.codec;
    scene_.publish("ana", {track});
    for (int i = 0; i < 3; ++i) join();
  }

  void run(int pictures) {
    const int comes_at = static_cast<int>(random_() % static_cast<uint64_t>(pictures));
    for (int i = 0; i < pictures; ++i) {
      if (i == comes_at) join();
      for (auto& watcher : watchers_) {
        if (random_() % 8 == 0) choose(*watcher);
        if (random_() % 6 == 0) complain(*watcher);
      }
      step();
    }
  }

  // What everybody wanted last is what everybody has in the end, over a good network.
  void settle() {
    lossy_ = false;
    for (int i = 0; i < 40; ++i) step();
    const int64_t from = picture_;
    for (int i = 0; i < 8; ++i) step();
    for (auto& watcher : watchers_) {
      const LayerTarget& target = watcher->target;
      const std::pair<int, int> wanted = {
          std::min<int>(target.spatial, options_.spatial_layers - 1),
          std::min<int>(target.temporal, options_.temporal_layers - 1)};
      EXPECT_EQ(watcher->receiver.highest_since(from), wanted);
      watcher->receiver.expect_markers(from, picture_ - 1);
      watcher->receiver.expect_holes_at_most(lost_);
      if (lost_ == 0) watcher->receiver.expect_no_holes();
    }
  }
  uint64_t starts_from_cache() const { return scene_.relay.counters().starts_from_cache; }
  size_t repairs() const {
    size_t sum = 0;
    for (const auto& watcher : watchers_) sum += watcher->receiver.repairs;
    return sum;
  }

 private:
  struct Watcher {
    SubscriberId id;
    LayerTarget target;
    LayerReceiver receiver;
  };

  void join() {
    watchers_.push_back(std::make_unique<Watcher>(
        Watcher{scene_.watch({}, {video_slot(kSsrc)}), {}, LayerReceiver(source_, arrived_)}));
  }
  bool chance(int percent) { return lossy_ && static_cast<int>(random_() % 100) < percent; }

  void choose(Watcher& watcher) {
    watcher.target = {.spatial = static_cast<uint8_t>(random_() % 4),
                      .temporal = static_cast<uint8_t>(random_() % 4)};
    if (random_() % 5 == 0) watcher.target = {};
    scene_.relay.set_target(watcher.id, rtp::Ssrc(kSsrc), watcher.target, scene_.now);
  }
  void complain(Watcher& watcher) {
    std::vector<rtp::SequenceNumber> missing;
    for (int i = 0; i < 6; ++i) {
      missing.emplace_back(static_cast<uint16_t>(watcher.receiver.newest() - random_() % 40));
    }
    scene_.relay.receive_nack(watcher.id, rtp::Ssrc(kSsrc), missing, scene_.now);
  }

  void step() {
    const bool key = picture_ == 0 || key_wanted_ || random_() % 100 == 0;
    key_wanted_ = false;
    ++picture_;
    auto packets = source_.picture(key, 1 + random_() % 3);
    if (chance(5)) packets.push_back(source_.padding());
    std::vector<rtp::MediaPacket> on_the_way;
    for (size_t waiting = late_.size(); waiting > 0; --waiting) {
      on_the_way.push_back(std::move(late_.front()));
      late_.pop_front();
    }
    for (auto& packet : packets) {
      if (chance(2) && packet.payload_size > 0) {
        ++lost_;
        continue;
      }
      if (chance(2)) on_the_way.push_back(packet);
      (chance(3) ? late_ : staging_).push_back(std::move(packet));
    }
    for (auto& packet : staging_) on_the_way.push_back(std::move(packet));
    staging_.clear();
    if (chance(4)) std::shuffle(on_the_way.begin(), on_the_way.end(), random_);
    const bool piecemeal = random_() % 3 == 0;
    for (auto& packet : on_the_way) {
      if (packet.payload_size > 0) arrived_.insert(tag_of(packet.payload()));
      scene_.relay.receive(TrackId(kTrack), 0, std::move(packet), scene_.now);
      if (piecemeal) collect();
    }
    scene_.now += 33ms;
    collect();
    if (!scene_.advance().key_frame_requests.empty()) key_wanted_ = true;
  }

  void collect() {
    for (const auto& sent : scene_.collect()) {
      auto& watcher =
          **std::ranges::find(watchers_, sent.subscriber, [](const auto& one) { return one->id; });
      if (sent.ssrc == rtp::Ssrc(kSsrc)) watcher.receiver.receive(sent);
      if (sent.ssrc == rtp::Ssrc(kRepairSsrc)) watcher.receiver.receive_repair(sent);
    }
  }

  std::mt19937_64 random_;
  Scene scene_;
  LayeredSource::Options options_;
  bool lossy_;
  LayeredSource source_;
  std::set<uint32_t> arrived_;  // tags
  std::vector<std::unique_ptr<Watcher>> watchers_;
  std::deque<rtp::MediaPacket> late_;
  std::deque<rtp::MediaPacket> staging_;
  int64_t picture_ = 0;
  bool key_wanted_ = false;
  size_t lost_ = 0;
};

struct Structure {
  const char* name;
  LayeredSource::Options options;
};

class LayerContract : public ::testing::TestWithParam<Structure> {};

constexpr uint64_t kSeeds = 130;

TEST_P(LayerContract, HoldsWhateverIsWantedOverAGoodNetwork) {
  uint64_t starts_from_cache = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Layers layers(GetParam().options, seed, false);
    layers.run(40);
    layers.settle();
    starts_from_cache += layers.starts_from_cache();
  }
  EXPECT_GT(starts_from_cache, kSeeds / 2);
}

TEST_P(LayerContract, HoldsWhateverIsLostOrLate) {
  size_t repairs = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Layers layers(GetParam().options, seed, true);
    layers.run(40);
    layers.settle();
    repairs += layers.repairs();
  }
  EXPECT_GT(repairs, kSeeds);
}

constexpr LayeredSource::Options kVp8 = {.codec = rtp::Codec::kVp8, .spatial_layers = 1};
constexpr LayeredSource::Options kVp8Short = {
    .codec = rtp::Codec::kVp8, .spatial_layers = 1, .short_picture_id = true};
constexpr LayeredSource::Options kVp9 = {.codec = rtp::Codec::kVp9};
constexpr LayeredSource::Options kVp9Fixed = {.codec = rtp::Codec::kVp9, .flexible = false};
constexpr LayeredSource::Options kVp9Key = {.codec = rtp::Codec::kVp9, .key_only = true};
constexpr LayeredSource::Options kAv1 = {.codec = rtp::Codec::kAv1};
constexpr LayeredSource::Options kAv1Key = {.codec = rtp::Codec::kAv1, .key_only = true};
constexpr LayeredSource::Options kAv1Temporal = {.codec = rtp::Codec::kAv1, .spatial_layers = 1};

INSTANTIATE_TEST_SUITE_P(
    Structures, LayerContract,
    ::testing::Values(Structure{"vp8_L1T3", kVp8}, Structure{"vp8_short_ids", kVp8Short},
                      Structure{"vp9_L3T3", kVp9}, Structure{"vp9_L3T3_fixed", kVp9Fixed},
                      Structure{"vp9_L3T3_KEY", kVp9Key}, Structure{"av1_L3T3", kAv1},
                      Structure{"av1_L3T3_KEY", kAv1Key}, Structure{"av1_L1T3", kAv1Temporal}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace simpul::relay
