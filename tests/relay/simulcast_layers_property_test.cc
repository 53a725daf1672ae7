#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

#include "tests/relay/layer_receiver.h"

namespace simpul::relay {
namespace {

using namespace testing;

constexpr size_t kPackets = 3'000;  // that the relay and the network hold at a time
constexpr uint32_t kTrack = 2;
constexpr uint32_t kSsrc = 10;
constexpr uint32_t kRepairSsrc = 11;
constexpr uint32_t kTagsPerEncoding = 10'000'000;
constexpr size_t kEncodings = 3;

// One slot of a track whose encodings have layers each: what is of one encoding, without a break,
// is held to what a receiver of that alone is held to.
class SimulcastReceiver {
 public:
  SimulcastReceiver(const std::vector<std::unique_ptr<LayeredSource>>& sources,
                    const std::set<uint32_t>& arrived)
      : sources_(sources), arrived_(arrived) {}

  void receive(const Sent& sent) {
    if (!sent.payload.empty()) {
      const size_t encoding = (sent.tag() - 1) / kTagsPerEncoding;
      if (encoding != encoding_) begin(sent, encoding);
    }
    ASSERT_NE(receiver_, nullptr) << "began with nothing";
    receiver_->receive(sent);
    if (sent.index <= last_.index) return;
    last_ = sent;
  }
  void receive_repair(const Sent& sent) {
    if (receiver_ != nullptr) receiver_->receive_repair(sent);
  }

  const LayerReceiver* current() const { return receiver_.get(); }
  size_t encoding() const { return encoding_; }
  uint64_t newest() const { return last_.index; }
  size_t switches = 0;

 private:
  void begin(const Sent& sent, size_t encoding) {
    const LayeredSource& source = *sources_[encoding];
    const LayeredPacket& packet = source.by_tag.at(sent.tag());
    EXPECT_EQ(packet.part, 0u);
    EXPECT_TRUE(source.frames.at(packet.frame).key) << "began with another frame";
    if (receiver_ != nullptr) check_goes_on(sent);
    encoding_ = encoding;
    receiver_ = std::make_unique<LayerReceiver>(source, arrived_);
    ++switches;
  }
  void check_goes_on(const Sent& sent) const {
    EXPECT_EQ(sent.index, last_.index + 1) << "a hole between two encodings";
    EXPECT_GT(static_cast<int32_t>(sent.timestamp - last_.timestamp), 0);
    if (sent.frame_number && last_.frame_number) {
      EXPECT_EQ(*sent.frame_number, static_cast<uint16_t>(*last_.frame_number + 1));
    }
    if (last_.payload.empty()) return;
    const auto numbers = sent.numbers();
    const auto before = last_.numbers();
    if (!numbers || !before) return;
    EXPECT_EQ(numbers->picture_id, (before->picture_id + 1) & 0x7FFF);
  }

  const std::vector<std::unique_ptr<LayeredSource>>& sources_;
  const std::set<uint32_t>& arrived_;
  std::unique_ptr<LayerReceiver> receiver_;
  size_t encoding_ = kEncodings;  // none
  Sent last_;                     // with the highest index
};

// Three encodings of the same layers, whose watchers want others by chance, over a network that
// loses, delays and repeats.
class Simulcast {
 public:
  Simulcast(const LayeredSource::Options& options, uint64_t seed, bool lossy)
      : random_(seed), scene_({}, seed, kPackets), options_(options), lossy_(lossy) {
    auto track = video_track(kTrack, {"q", "h", "f"});
    track.codec = options.codec;
    scene_.publish("ana", {track});
    for (uint32_t i = 0; i < kEncodings; ++i) {
      LayeredSource::Options own = options;
      own.ssrc += i;
      own.sequence_number = static_cast<uint16_t>(random_());
      own.picture_id = static_cast<uint16_t>(random_() & 0x7FFF);
      own.frame_number = static_cast<uint16_t>(random_());
      own.first_tag = 1 + i * kTagsPerEncoding;
      for (auto& width : own.widths) width = static_cast<uint16_t>(width / 8 << i);
      sources_.push_back(std::make_unique<LayeredSource>(scene_.pool, own));
    }
    for (int i = 0; i < 3; ++i) join();
  }

  void run(int pictures) {
    for (int i = 0; i < pictures; ++i) {
      for (auto& watcher : watchers_) {
        if (random_() % 10 == 0) choose(*watcher);
        if (random_() % 6 == 0) complain(*watcher);
      }
      step();
    }
  }

  // What everybody wanted last is what everybody has in the end, over a good network.
  void settle() {
    lossy_ = false;
    for (int i = 0; i < 120; ++i) step();
    const int64_t from = picture_;
    for (int i = 0; i < 8; ++i) step();
    for (auto& watcher : watchers_) {
      const LayerTarget& target = watcher->target;
      ASSERT_EQ(watcher->receiver.encoding(), target.encoding);
      const std::pair<int, int> wanted = {
          std::min<int>(target.spatial, options_.spatial_layers - 1),
          std::min<int>(target.temporal, options_.temporal_layers - 1)};
      EXPECT_EQ(watcher->receiver.current()->highest_since(from), wanted);
      watcher->receiver.current()->expect_markers(from, picture_ - 1);
    }
  }
  size_t switches() const {
    size_t sum = 0;
    for (const auto& watcher : watchers_) sum += watcher->receiver.switches;
    return sum;
  }

 private:
  struct Watcher {
    SubscriberId id;
    LayerTarget target;
    SimulcastReceiver receiver;
  };

  void join() {
    watchers_.push_back(std::make_unique<Watcher>(
        Watcher{scene_.watch({}, {video_slot(kSsrc)}), {}, SimulcastReceiver(sources_, arrived_)}));
    choose(*watchers_.back());
  }
  bool chance(int percent) { return lossy_ && static_cast<int>(random_() % 100) < percent; }

  void choose(Watcher& watcher) {
    watcher.target = {.encoding = static_cast<uint8_t>(random_() % kEncodings),
                      .spatial = static_cast<uint8_t>(random_() % 4),
                      .temporal = static_cast<uint8_t>(random_() % 4)};
    if (random_() % 5 == 0) watcher.target = {.encoding = watcher.target.encoding};
    scene_.relay.set_target(watcher.id, rtp::Ssrc(kSsrc), watcher.target, scene_.now);
  }
  void complain(Watcher& watcher) {
    std::vector<rtp::SequenceNumber> missing;
    for (int i = 0; i < 6; ++i) {
      missing.emplace_back(static_cast<uint16_t>(watcher.receiver.newest() - random_() % 40));
    }
    scene_.relay.receive_nack(watcher.id, rtp::Ssrc(kSsrc), missing, scene_.now);
  }

  struct OnTheWay {
    uint8_t encoding;
    rtp::MediaPacket packet;
  };

  void step() {
    std::vector<OnTheWay> arriving;
    for (; !late_.empty(); late_.pop_front()) arriving.push_back(std::move(late_.front()));
    for (uint8_t i = 0; i < kEncodings; ++i) {
      const bool key = picture_ == 0 || std::exchange(key_wanted_[i], false);
      for (auto& packet : sources_[i]->picture(key, 1 + random_() % 3)) {
        if (chance(2)) continue;
        if (chance(2)) arriving.push_back({i, packet});
        if (chance(3)) {
          late_.push_back({i, std::move(packet)});
        } else {
          arriving.push_back({i, std::move(packet)});
        }
      }
    }
    ++picture_;
    if (chance(4)) std::shuffle(arriving.begin(), arriving.end(), random_);
    const bool piecemeal = random_() % 3 == 0;
    for (auto& [encoding, packet] : arriving) {
      arrived_.insert(tag_of(packet.payload()));
      scene_.relay.receive(TrackId(kTrack), encoding, std::move(packet), scene_.now);
      if (piecemeal) collect();
    }
    scene_.now += 33ms;
    collect();
    for (const auto& request : scene_.advance().key_frame_requests) {
      key_wanted_[request.layer] = true;
    }
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
  std::vector<std::unique_ptr<LayeredSource>> sources_;
  std::set<uint32_t> arrived_;  // tags
  std::vector<std::unique_ptr<Watcher>> watchers_;
  std::deque<OnTheWay> late_;
  std::array<bool, kEncodings> key_wanted_{};
  int64_t picture_ = 0;
};

struct Structure {
  const char* name;
  LayeredSource::Options options;
};

class SimulcastLayerContract : public ::testing::TestWithParam<Structure> {};

constexpr uint64_t kSeeds = 40;

TEST_P(SimulcastLayerContract, HoldsWhateverEncodingAndLayersAreWanted) {
  size_t switches = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Simulcast simulcast(GetParam().options, seed, false);
    simulcast.run(60);
    simulcast.settle();
    switches += simulcast.switches();
  }
  EXPECT_GT(switches, 4 * kSeeds);
}

TEST_P(SimulcastLayerContract, HoldsWhateverIsLostOrLate) {
  for (uint64_t seed = 1; seed <= kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Simulcast simulcast(GetParam().options, seed, true);
    simulcast.run(60);
    simulcast.settle();
  }
}

constexpr LayeredSource::Options kVp8 = {.codec = rtp::Codec::kVp8, .spatial_layers = 1};
constexpr LayeredSource::Options kH264 = {.codec = rtp::Codec::kH264, .spatial_layers = 1};
constexpr LayeredSource::Options kVp9 = {.codec = rtp::Codec::kVp9, .spatial_layers = 2};
constexpr LayeredSource::Options kAv1 = {.codec = rtp::Codec::kAv1, .spatial_layers = 2};
constexpr LayeredSource::Options kAv1Key = {
    .codec = rtp::Codec::kAv1, .spatial_layers = 2, .key_only = true};

INSTANTIATE_TEST_SUITE_P(Structures, SimulcastLayerContract,
                         ::testing::Values(Structure{"vp8_3_L1T3", kVp8},
                                           Structure{"h264_3_L1T3", kH264},
                                           Structure{"vp9_3_L2T3", kVp9},
                                           Structure{"av1_3_L2T3", kAv1},
                                           Structure{"av1_3_L2T3_KEY", kAv1Key}),
                         [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace simpul::relay
