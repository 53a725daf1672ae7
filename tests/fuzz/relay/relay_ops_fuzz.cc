#include <algorithm>
#include <map>
#include <set>

#include "base/check.h"
#include "tests/relay/scene.h"

// Any order of calls with any payloads, and what a receiver relies on: no index leaves twice, no
// step of the indices is too long to follow, retransmissions count up one by one, the publisher is
// asked for key frames within the token bucket, RED can be taken apart, and every packet's memory
// is given back.
namespace simpul::relay {
namespace {

using namespace testing;

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(data, size) {}

  bool empty() const { return rest_.empty(); }
  uint8_t u8() {
    if (rest_.empty()) return 0;
    const uint8_t value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  uint32_t u32() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | u8();
    return value;
  }
  Bytes bytes(size_t count) {
    const Bytes taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

 private:
  Bytes rest_;
};

struct Stream {
  std::set<uint64_t> indices;
};

class Ops {
 public:
  explicit Ops(Input input)
      : in_(input),
        scene_({.history_packets_per_layer = 16, .layers_per_track = 3, .speakers_per_room = 2}) {}

  void run() {
    for (int i = 0; i < 2'000 && !in_.empty(); ++i) one();
    collect(0ms, 1'000'000);
    for (const auto publisher : publishers_) scene_.relay.remove_publisher(publisher, scene_.now);
    SubscriberBatch batch;
    SIMPUL_CHECK(!scene_.relay.collect(scene_.now, 0ms, batch));
  }

 private:
  void one() {
    const uint8_t op = in_.u8();
    if (op == kLoseOp) return lose();
    switch (op % 16) {
      case 0:
        return publish();
      case 1:
        return unpublish();
      case 2:
        return watch();
      case 3:
        return scene_.relay.remove_subscriber(some(subscribers_));
      case 4:
        return nack();
      case 5:
        return scene_.relay.receive_key_frame_request(some(subscribers_), ssrc(), scene_.now);
      case 6:
        return scene_.relay.receive_sender_report(
            track(), in_.u8() % 4, uint64_t{in_.u32()} << 32 | in_.u32(), in_.u32(), scene_.now);
      case 7:
        return advance(Duration(int64_t{in_.u8()} * in_.u8() * 100));
      case 8:
        return collect(Duration(in_.u8() * 100), 1 + in_.u8() % 4u);
      case 9:
        return collect(Duration(in_.u8() * 100), 1'000'000);
      case 10:
        return limit();
      case 11:
        return pad();
      default:
        return receive();
    }
  }

  template <class Id>
  Id some(const std::vector<Id>& ids) {
    const uint8_t at = in_.u8();
    return ids.empty() ? Id(1) : ids[at % ids.size()];
  }
  TrackId track() { return TrackId(1u + in_.u8() % 12u); }
  rtp::Ssrc ssrc() { return rtp::Ssrc(1u + in_.u8() % 6u); }

  void publish() {
    if (publishers_.size() >= 4) return;
    const uint8_t name = in_.u8();
    const auto id = scene_.relay.add_publisher("room", name % 2 == 0 ? "ana" : "bo", scene_.now);
    publishers_.push_back(id);
    for (int i = name % 4; i >= 0; --i) {
      const uint32_t track_id = 1u + in_.u8() % 12u;
      scene_.relay.add_track(
          id, track_id % 3 == 0 ? audio_track(track_id) : video_track(track_id, {"q", "h", "f"}),
          scene_.now);
    }
  }
  void unpublish() {
    if (publishers_.empty()) return;
    const auto gone = publishers_.begin() + in_.u8() % static_cast<int>(publishers_.size());
    scene_.relay.remove_publisher(*gone, scene_.now);
    publishers_.erase(gone);
  }
  void watch() {
    if (subscribers_.size() >= 8) return;
    const uint8_t what = in_.u8();
    const Wish wish{.participant = what % 3 == 0 ? "ana" : "",
                    .layer = static_cast<LayerChoice>(what / 3 % 4)};
    std::vector<SlotConfig> slots = {audio_slot(1), video_slot(2), video_slot(4)};
    slots[0].codecs.push_back({format_of(rtp::Codec::kRed), kRedType, {}});
    subscribers_.push_back(scene_.relay.add_subscriber("room", wish, slots, scene_.now));
    if (what < 200) scene_.relay.start_subscriber(subscribers_.back(), scene_.now);
  }
  void lose() {
    const SubscriberId subscriber = some(subscribers_);
    const rtp::Ssrc of = ssrc();
    scene_.relay.receive_loss(subscriber, of, in_.u8() / 256.0, scene_.now);
  }
  void limit() {
    const SubscriberId subscriber = some(subscribers_);
    const uint8_t layers = in_.u8();
    std::optional<LayerTarget> target;
    if (layers < 250) {
      target = {.encoding = static_cast<uint8_t>(in_.u8() % 4),
                .spatial = static_cast<uint8_t>(layers % 8),
                .temporal = static_cast<uint8_t>(layers / 8 % 8)};
    }
    scene_.relay.set_target(subscriber, ssrc(), target, scene_.now);
  }
  void nack() {
    const SubscriberId subscriber = some(subscribers_);
    const rtp::Ssrc of = ssrc();
    const auto& indices = streams_[{subscriber.value(), of.value()}].indices;
    const uint64_t last = indices.empty() ? 0 : *indices.rbegin();
    std::vector<rtp::SequenceNumber> missing;
    for (int i = in_.u8() % 20; i >= 0; --i) {
      missing.emplace_back(static_cast<uint16_t>(last - in_.u8()));
    }
    scene_.relay.receive_nack(subscriber, of, missing, scene_.now);
  }

  void receive() {
    const TrackId to = track();
    const uint8_t layer = in_.u8() % 4;
    const uint8_t flags = in_.u8();
    auto& position = positions_[to.value() * 4 + layer];
    position = static_cast<uint16_t>(position + static_cast<int8_t>(in_.u8()));
    if (flags % 32 == 31) position = static_cast<uint16_t>(position + 20'000);
    rtp::MediaPacket media;
    media.packet = scene_.pool.allocate();
    if (!media.packet) return;
    const Bytes payload = in_.bytes(flags % 24);
    std::ranges::copy(payload, media.packet->bytes.begin() + 12);
    media.packet->size = static_cast<uint32_t>(12 + payload.size());
    media.payload_offset = 12;
    media.payload_size = static_cast<uint16_t>(payload.size());
    media.ssrc = rtp::Ssrc(flags >= 250 ? 2 : 1);
    media.sequence_number = rtp::SequenceNumber(position);
    media.timestamp = in_.u32();
    media.marker = flags % 2 == 0;
    media.format = format_of(static_cast<rtp::Codec>(in_.u8() % 6));
    if (flags % 8 == 0 && !payload.empty()) {
      media.extensions.items[0] = {.kind = rtp::ExtensionKind::kDependencyDescriptor,
                                   .offset = 12,
                                   .size = static_cast<uint8_t>(payload.size())};
      media.extensions.count = 1;
    } else if (!payload.empty()) {
      media.extensions.items[0] = {
          .kind = rtp::ExtensionKind::kAudioLevel, .offset = 12, .size = 1};
      media.extensions.count = 1;
    }
    scene_.relay.receive(to, layer, std::move(media), scene_.now);
  }

  void collect(Duration hold, size_t batches_max) {
    SubscriberBatch batch;
    for (size_t i = 0; i < batches_max; ++i) {
      if (!scene_.relay.collect(scene_.now, hold, batch)) {
        SIMPUL_CHECK(scene_.relay.next_collect(hold) > scene_.now);
        return;
      }
      SIMPUL_CHECK(!batch.packets.empty());
      for (const auto& packet : batch.packets) check(batch.subscriber, packet);
    }
  }

  // What is repeated was sent to this receiver.
  void pad() {
    collect(Duration(in_.u8() * 100), 1'000'000);
    const SubscriberId subscriber = some(subscribers_);
    const size_t bytes = in_.u8() * in_.u8();
    SubscriberBatch batch;
    if (!scene_.relay.collect_padding(subscriber, bytes, scene_.now, batch)) return;
    SIMPUL_CHECK(batch.packets.size() <= 64);
    for (const auto& packet : batch.packets) {
      check_numbers(batch.subscriber, packet);
      SIMPUL_CHECK((packet.padding > 0) == (packet.payload_size() == 0));
      if (packet.padding > 0) continue;
      const auto& media = streams_[{subscriber.value(), packet.ssrc.value() - 1}].indices;
      const uint16_t original = load_be16(Bytes(packet.head).first<2>());
      SIMPUL_CHECK(std::ranges::any_of(
          media, [&](uint64_t index) { return static_cast<uint16_t>(index) == original; }));
      check_content(packet);
    }
  }

  void check(SubscriberId subscriber, const rtp::OutgoingPacket& packet) {
    check_numbers(subscriber, packet);
    check_content(packet);
  }

  void check_numbers(SubscriberId subscriber, const rtp::OutgoingPacket& packet) {
    const Sent sent = Scene::copy(subscriber, packet);
    auto& indices = streams_[{subscriber.value(), sent.ssrc.value()}].indices;
    const bool is_repair = sent.ssrc.value() % 2 == 1 && sent.ssrc.value() > 1;
    if (indices.empty()) {
      SIMPUL_CHECK(sent.index < 0x8000);
    } else {
      const auto step = static_cast<int64_t>(sent.index - *indices.rbegin());
      SIMPUL_CHECK(is_repair ? step == 1 : step <= 2'024);
    }
    SIMPUL_CHECK(indices.insert(sent.index).second);
  }

  static void check_content(const rtp::OutgoingPacket& packet) {
    SIMPUL_CHECK(packet.extensions != nullptr && !packet.source.empty());
    SIMPUL_CHECK(packet.head_size <= packet.head.size());
    if (packet.payload_type == kRedType) {
      const auto red = rtp::RedPayload::parse(packet.body);
      SIMPUL_CHECK(red && red->block_type == kOpusType);
    }
    check_descriptor(packet);
  }

  // What the sender of media would write of it can be read.
  static void check_descriptor(const rtp::OutgoingPacket& packet) {
    const auto* passed = packet.extensions->find(rtp::ExtensionKind::kDependencyDescriptor);
    if (passed == nullptr || !packet.frame_number) return;
    std::vector<uint8_t> room(255);
    const size_t size = rtp::rewrite_descriptor(packet.source.subspan(passed->offset, passed->size),
                                                *packet.frame_number, packet.active_targets, room);
    SIMPUL_CHECK(size <= room.size());
    const auto descriptor = rtp::DependencyDescriptor::parse(Bytes(room).first(size));
    SIMPUL_CHECK(descriptor && descriptor->frame_number == *packet.frame_number);
  }

  void advance(Duration elapsed) {
    const Output out = scene_.advance(elapsed);
    for (const auto& request : out.key_frame_requests) {
      auto& times = asked_[{request.publisher.value(), request.track.value() * 8 + request.layer}];
      if (times.size() >= 2) SIMPUL_CHECK(scene_.now - times[times.size() - 2] >= 1s);
      times.push_back(scene_.now);
    }
    SIMPUL_CHECK(scene_.relay.next_deadline() > scene_.now);
  }

  static constexpr uint8_t kLoseOp = 0xFC;
  using Key = std::pair<uint32_t, uint32_t>;

  Input in_;
  Scene scene_;
  std::vector<PublisherId> publishers_;
  std::vector<SubscriberId> subscribers_;
  std::map<uint32_t, uint16_t> positions_;
  std::map<Key, Stream> streams_;
  std::map<Key, std::vector<TimePoint>> asked_;
};

}  // namespace
}  // namespace simpul::relay

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  simpul::relay::Ops(simpul::relay::Input(data, size)).run();
  return 0;
}
