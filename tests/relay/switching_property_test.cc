#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

#include "relay/clock_mapping.h"
#include "tests/relay/stream_checker.h"

namespace simpul::relay {
namespace {

using namespace testing;

constexpr uint32_t kAudioSsrc = 1;
constexpr uint32_t kVideoSsrc = 10;
constexpr uint32_t kRepairSsrc = 11;

// Publishers with three layers who come, go, pause layers, lose, delay (the beginning of key frames
// most of all), repeat and reorder packets, fall back on padding, tell what their timestamps mean,
// or never, or nonsense; watchers with every choice who complain. All of it by chance, and what
// leaves is held to the contract. Without a codec, publishers go from one to another as well.
class Turmoil {
 public:
  Turmoil(uint64_t seed, std::optional<rtp::Codec> codec)
      : random_(seed), scene_({}, seed), codec_(codec) {
    for (const auto choice :
         {LayerChoice::kHighest, LayerChoice::kLow, LayerChoice::kMid, LayerChoice::kHigh}) {
      add_watcher({.participant = "", .layer = choice});
      add_watcher({.participant = "ana", .layer = choice});
    }
  }

  void run(int frames) {
    for (int i = 0; i < frames; ++i) {
      disturb();
      step();
    }
  }

  // Everybody publishes all layers over a good network.
  void settle() {
    calm_ = true;
    for (auto& publisher : publishers_) {
      for (auto& layer : publisher->layers) layer.paused = false;
    }
    if (publishers_.empty() || publishers_.front()->name != "ana") publish("ana");
    for (int i = 0; i < 120; ++i) step();
  }

  void expect_everybody_served() {
    for (auto& watcher : watchers_) {
      const auto slots = scene_.relay.slots_of(watcher->id);
      static const std::map<LayerChoice, std::string> kRid = {{LayerChoice::kHighest, "f"},
                                                              {LayerChoice::kLow, "q"},
                                                              {LayerChoice::kMid, "h"},
                                                              {LayerChoice::kHigh, "f"}};
      EXPECT_EQ(slots[1].layer, kRid.at(watcher->wish.layer));
      EXPECT_GT(slots[0].packets, 0u);
    }
  }
  size_t starts() const {
    size_t sum = starts_of_gone_;
    for (const auto& watcher : watchers_) sum += watcher->video.starts;
    return sum;
  }
  uint64_t starts_from_cache() const { return scene_.relay.counters().starts_from_cache; }
  size_t repairs() const {
    size_t sum = repairs_of_gone_;
    for (const auto& watcher : watchers_) sum += watcher->video.repairs;
    return sum;
  }

 private:
  enum class Reports : uint8_t { kNone, kTrue, kNonsense };
  struct Layer {
    Source source;
    uint32_t stream = 0;
    int64_t place = 0;
    bool paused = false;
    bool key_wanted = true;
    bool has_changed = false;  // its codec
  };
  struct Publisher {
    std::string name;
    PublisherId id;
    Reports reports = Reports::kNone;
    uint32_t audio = 0;
    uint32_t video = 0;
    std::vector<Layer> layers;
    std::unique_ptr<Layer> voice;
  };
  struct Watcher {
    SubscriberId id;
    Wish wish;
    StreamChecker audio;
    StreamChecker video;
  };
  struct Delayed {
    int frames;
    uint32_t track;
    uint8_t layer;
    uint32_t stream;
    int64_t place;
    rtp::MediaPacket packet;
  };

  bool chance(int percent) { return !calm_ && static_cast<int>(random_() % 1000) < percent * 10; }
  bool rarely() { return !calm_ && random_() % 200 == 0; }

  void add_watcher(const Wish& wish) { watchers_.push_back(make_watcher(wish)); }
  std::unique_ptr<Watcher> make_watcher(const Wish& wish) {
    const auto id = scene_.watch(wish, {audio_slot(kAudioSsrc), video_slot(kVideoSsrc)});
    return std::make_unique<Watcher>(
        Watcher{id, wish, StreamChecker(world_, false), StreamChecker(world_, true)});
  }
  // Somebody new takes the place of one who goes.
  void rejoin(std::unique_ptr<Watcher>& watcher) {
    scene_.relay.remove_subscriber(watcher->id);
    starts_of_gone_ += watcher->video.starts;
    repairs_of_gone_ += watcher->video.repairs;
    watcher = make_watcher(watcher->wish);
  }

  Layer make_layer(rtp::Codec codec, uint16_t width) {
    const uint32_t stream = next_stream_++;
    // Half of them soon wrap.
    const bool wraps = random_() % 2 == 0;
    const auto start = [&] { return wraps ? 0 - random_() % 128 : random_(); };
    return {.source = Source(scene_.pool, {.ssrc = 1'000 + stream,
                                           .codec = codec,
                                           .width = width,
                                           .height = static_cast<uint16_t>(width / 2),
                                           .sequence_number = static_cast<uint16_t>(start()),
                                           .timestamp = static_cast<uint32_t>(start() * 1'000),
                                           .picture_id = static_cast<uint16_t>(start() & 0x7FFF),
                                           .tl0_pic_idx = static_cast<uint8_t>(start()),
                                           .key_idx = static_cast<uint8_t>(random_() & 0x1F),
                                           .frame_number = static_cast<uint16_t>(start()),
                                           .first_tag = stream * 100'000,
                                           .repeats_parameters = random_() % 2 == 0}),
            .stream = stream};
  }

  rtp::Codec video_codec() {
    using enum rtp::Codec;
    constexpr std::array<rtp::Codec, 4> kAll = {kVp8, kVp9, kH264, kAv1};
    return codec_ ? *codec_ : kAll[random_() % kAll.size()];
  }

  // With the SSRC and the sequence numbers that it had, beginning with a key frame.
  void change_codec(Layer& layer) {
    const auto codec = video_codec();
    if (layer.has_changed || layer.source.at().codec == codec) return;
    layer.source.at().codec = codec;
    layer.has_changed = true;  // back again would be the old stream to the relay
    layer.stream = next_stream_++;
    layer.key_wanted = true;
  }

  void publish(const std::string& name) {
    auto made = std::make_unique<Publisher>();
    made->name = name;
    constexpr std::array kReports = {Reports::kNone, Reports::kTrue, Reports::kNonsense};
    made->reports = kReports[random_() % kReports.size()];
    made->audio = next_track_++;
    made->video = next_track_++;
    for (const auto width : {uint16_t{320}, uint16_t{640}, uint16_t{1280}}) {
      made->layers.push_back(make_layer(video_codec(), width));
    }
    made->voice = std::make_unique<Layer>(make_layer(rtp::Codec::kOpus, 0));
    made->id =
        scene_.publish(name, {audio_track(made->audio), video_track(made->video, {"q", "h", "f"})});
    // "ana" is in front, so that everybody finds her.
    publishers_.insert(name == "ana" ? publishers_.begin() : publishers_.end(), std::move(made));
  }

  void disturb() {
    if (rarely() || publishers_.empty()) {
      const bool has_ana = !publishers_.empty() && publishers_.front()->name == "ana";
      if (!has_ana)
        publish("ana");
      else if (publishers_.size() < 3)
        publish("bo");
    }
    if (rarely() && !publishers_.empty()) {
      const auto gone =
          publishers_.begin() + static_cast<ptrdiff_t>(random_() % publishers_.size());
      scene_.relay.remove_publisher((*gone)->id, scene_.now);
      publishers_.erase(gone);
    }
    for (auto& publisher : publishers_) {
      for (auto& layer : publisher->layers) {
        if (chance(2)) layer.paused = !layer.paused;
        if (rarely()) layer = make_layer(video_codec(), layer.source.at().width);
        if (!codec_ && rarely()) change_codec(layer);
      }
    }
    for (auto& watcher : watchers_) {
      if (rarely()) rejoin(watcher);
      complain(*watcher);
    }
  }

  void complain(Watcher& watcher) {
    if (chance(3)) {
      scene_.relay.receive_key_frame_request(watcher.id, rtp::Ssrc(kVideoSsrc), scene_.now);
    }
    if (!chance(30)) return;
    std::vector<rtp::SequenceNumber> missing;
    for (int i = 0; i < 10; ++i) {
      const auto back = random_() % 60;
      missing.emplace_back(static_cast<uint16_t>(watcher.video.last_index() - back));
    }
    scene_.relay.receive_nack(watcher.id, rtp::Ssrc(kVideoSsrc), missing, scene_.now);
  }

  void step() {
    deliver_delayed();
    for (auto& publisher : publishers_) {
      for (size_t i = 0; i < publisher->layers.size(); ++i) {
        Layer& layer = publisher->layers[i];
        if (layer.paused) continue;
        const bool key = std::exchange(layer.key_wanted, false) || random_() % 300 == 0;
        auto packets = layer.source.frame({.key = key, .packets = 1 + random_() % 5});
        if (chance(10)) {
          for (size_t n = 1 + random_() % 4; n > 0; --n) packets.push_back(layer.source.padding());
        }
        send(publisher->video, static_cast<uint8_t>(i), layer, std::move(packets), key);
        if (chance(5)) report(*publisher, static_cast<uint8_t>(i));
      }
      std::vector<rtp::MediaPacket> voice;
      voice.push_back(publisher->voice->source.audio());
      send(publisher->audio, 0, *publisher->voice, std::move(voice));
    }
    scene_.now += 20ms;
    collect();
    for (const auto& request : scene_.advance().key_frame_requests) answer(request);
  }

  void report(Publisher& publisher, uint8_t layer) {
    const uint32_t timestamp = publisher.layers[layer].source.at().timestamp;
    const auto since = ntp_span(scene_.now - TimePoint{});
    switch (publisher.reports) {
      case Reports::kNone:
        return;
      case Reports::kTrue:
        return scene_.relay.receive_sender_report(
            TrackId(publisher.video), layer, static_cast<uint64_t>(since), timestamp, scene_.now);
      case Reports::kNonsense:
        return scene_.relay.receive_sender_report(TrackId(publisher.video), layer, random_(),
                                                  static_cast<uint32_t>(random_()), scene_.now);
    }
  }

  void answer(const KeyFrameRequest& request) {
    for (auto& publisher : publishers_) {
      if (publisher->id == request.publisher) publisher->layers[request.layer].key_wanted = true;
    }
  }

  void send(uint32_t track, uint8_t index, Layer& layer, std::vector<rtp::MediaPacket> packets,
            bool key = false) {
    std::vector<std::pair<int64_t, rtp::MediaPacket>> on_the_way;
    for (auto& packet : packets) {
      const int64_t place = layer.place++;
      world_.made(layer.stream, place, packet);
      if (packet.payload_size == 0) world_.padding.insert({layer.stream, place});
      if (chance(3)) continue;
      if (chance(2)) on_the_way.emplace_back(place, packet);
      if (chance(key && on_the_way.empty() ? 25 : 4)) {
        const int frames = 1 + static_cast<int>(random_() % 3);
        delayed_.push_back({frames, track, index, layer.stream, place, std::move(packet)});
      } else {
        on_the_way.emplace_back(place, std::move(packet));
      }
    }
    if (chance(5)) std::shuffle(on_the_way.begin(), on_the_way.end(), random_);
    for (auto& [place, packet] : on_the_way) {
      deliver(track, index, layer.stream, place, std::move(packet));
    }
    scene_.now += Duration(random_() % 3'000);
    collect();
  }

  void deliver(uint32_t track, uint8_t layer, uint32_t stream, int64_t place,
               rtp::MediaPacket packet) {
    world_.came(stream, place, packet.payload_size == 0);
    scene_.relay.receive(TrackId(track), layer, std::move(packet), scene_.now);
  }

  void deliver_delayed() {
    for (size_t n = delayed_.size(); n > 0; --n) {
      Delayed delayed = std::move(delayed_.front());
      delayed_.pop_front();
      if (--delayed.frames > 0) {
        delayed_.push_back(std::move(delayed));
      } else if (is_current(delayed)) {
        deliver(delayed.track, delayed.layer, delayed.stream, delayed.place,
                std::move(delayed.packet));
      }
    }
  }

  // A layer that began anew does not go back to its old SSRC.
  bool is_current(const Delayed& delayed) const {
    for (const auto& publisher : publishers_) {
      if (publisher->audio == delayed.track) return true;
      if (publisher->video == delayed.track) {
        return publisher->layers[delayed.layer].stream == delayed.stream;
      }
    }
    return false;
  }

  void collect() {
    for (const auto& sent : scene_.collect(calm_ ? 0ms : Duration(random_() % 4'000))) {
      auto& watcher =
          **std::ranges::find(watchers_, sent.subscriber, [](const auto& one) { return one->id; });
      if (sent.ssrc == rtp::Ssrc(kAudioSsrc)) watcher.audio.check(sent, scene_.now);
      if (sent.ssrc == rtp::Ssrc(kVideoSsrc)) watcher.video.check(sent, scene_.now);
      if (sent.ssrc == rtp::Ssrc(kRepairSsrc)) watcher.video.check_repair(sent);
    }
  }

  std::mt19937_64 random_;
  Scene scene_;
  std::optional<rtp::Codec> codec_;  // of all video, or any
  World world_;
  std::vector<std::unique_ptr<Watcher>> watchers_;
  size_t starts_of_gone_ = 0;
  size_t repairs_of_gone_ = 0;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::deque<Delayed> delayed_;
  uint32_t next_stream_ = 1;
  uint32_t next_track_ = 100;
  bool calm_ = false;
};

constexpr uint64_t kSeedsPerCase = 20;

// A codec, or none for any, and which seeds.
using Case = std::tuple<std::optional<rtp::Codec>, uint64_t>;
class SwitchingContract : public ::testing::TestWithParam<Case> {};

TEST_P(SwitchingContract, HoldsWhateverHappensAndEverybodyIsServedInTheEnd) {
  const auto [codec, block] = GetParam();
  size_t starts = 0;
  size_t repairs = 0;
  uint64_t starts_from_cache = 0;
  for (uint64_t i = 0; i < kSeedsPerCase && !HasFailure(); ++i) {
    const uint64_t seed = block * kSeedsPerCase + i;
    SCOPED_TRACE(seed);
    Turmoil turmoil(seed, codec);
    turmoil.run(i == 0 ? 300 : 40);
    if (i == 0) {
      turmoil.settle();
      turmoil.expect_everybody_served();
    }
    starts += turmoil.starts();
    repairs += turmoil.repairs();
    starts_from_cache += turmoil.starts_from_cache();
  }
  EXPECT_GT(starts, 40u);
  EXPECT_GT(repairs, 40u);
  EXPECT_GT(starts_from_cache, 0u);
}

std::string name_of(const ::testing::TestParamInfo<Case>& tested) {
  const auto [codec, seed] = tested.param;
  return (codec ? std::string(rtp::to_string(*codec)) : "any") + "_" + std::to_string(seed);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SwitchingContract,
                         ::testing::Combine(::testing::Values(rtp::Codec::kVp8, rtp::Codec::kVp9,
                                                              rtp::Codec::kH264, rtp::Codec::kAv1,
                                                              std::nullopt),
                                            ::testing::Range<uint64_t>(0, 20)),
                         name_of);

}  // namespace
}  // namespace simpul::relay
