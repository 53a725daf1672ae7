#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/packet.h"
#include "relay/relay.h"
#include "rtp/vp8.h"

namespace simpul::relay::testing {

using namespace std::chrono_literals;

// The last four bytes of every payload that a source makes, so that a test knows it again.
inline uint32_t tag_of(Bytes payload) {
  return payload.size() < 4 ? 0 : load_be32(payload.last(4).first<4>());
}

// One layer as an encoder sends it.
class Source {
 public:
  struct Options {
    uint32_t ssrc = 0x1000;
    rtp::Codec codec = rtp::Codec::kVp8;
    uint16_t width = 640;
    uint16_t height = 360;
    uint16_t sequence_number = 1'000;
    uint32_t timestamp = 5'000;
    uint16_t picture_id = 100;
    uint8_t tl0_pic_idx = 50;
    uint32_t first_tag = 1;
  };
  struct Frame {
    bool key = false;
    size_t packets = 3;
    size_t packet_size = 200;
  };

  Source(PacketPool& pool, const Options& options) : pool_(&pool), at_(options) {}

  Options& at() { return at_; }

  // A video frame; the clock goes on by `ticks`.
  std::vector<rtp::MediaPacket> frame(const Frame& frame, uint32_t ticks = 3'000) {
    std::vector<rtp::MediaPacket> packets;
    for (size_t i = 0; i < frame.packets; ++i) {
      std::vector<uint8_t> payload = {static_cast<uint8_t>(i == 0 ? 0x90 : 0x80), 0xE0};
      payload.push_back(static_cast<uint8_t>(0x80 | at_.picture_id >> 8));
      payload.push_back(static_cast<uint8_t>(at_.picture_id));
      payload.push_back(at_.tl0_pic_idx);
      payload.push_back(0);
      const uint8_t frame_tag = frame.key ? 0x10 : 0x11;
      payload.insert(payload.end(), {i == 0 ? frame_tag : uint8_t{0xAA}, 0, 0});
      payload.insert(payload.end(), {0x9D, 0x01, 0x2A});
      payload.insert(payload.end(),
                     {static_cast<uint8_t>(at_.width), static_cast<uint8_t>(at_.width >> 8),
                      static_cast<uint8_t>(at_.height), static_cast<uint8_t>(at_.height >> 8)});
      payload.resize(std::max(frame.packet_size, payload.size() + 4));
      packets.push_back(packet(payload, i + 1 == frame.packets));
    }
    at_.timestamp += ticks;
    at_.picture_id = (at_.picture_id + 1) & 0x7FFF;
    ++at_.tl0_pic_idx;
    return packets;
  }

  rtp::MediaPacket audio() {
    auto made = packet(std::vector<uint8_t>(80), false);
    at_.timestamp += 960;
    return made;
  }

  rtp::MediaPacket padding() { return packet({}, false); }

 private:
  rtp::MediaPacket packet(std::vector<uint8_t> payload, bool marker) {
    constexpr uint16_t kHeader = 12;
    rtp::MediaPacket made;
    made.packet = pool_->allocate();
    if (!payload.empty()) {
      store_be32(std::span(payload).last(4).first<4>(), at_.first_tag++);
      std::memcpy(made.packet->bytes.data() + kHeader, payload.data(), payload.size());
    }
    made.packet->size = static_cast<uint32_t>(kHeader + payload.size());
    made.payload_offset = kHeader;
    made.payload_size = static_cast<uint16_t>(payload.size());
    made.ssrc = rtp::Ssrc(at_.ssrc);
    made.sequence_number = rtp::SequenceNumber(at_.sequence_number++);
    made.timestamp = at_.timestamp;
    made.codec = at_.codec;
    made.marker = marker;
    return made;
  }

  PacketPool* pool_;
  Options at_;
};

// What left for somebody.
struct Sent {
  SubscriberId subscriber;
  rtp::Ssrc ssrc;
  uint64_t index = 0;
  uint32_t timestamp = 0;
  rtp::PayloadType payload_type;
  bool marker = false;
  uint32_t csrc = 0;
  std::vector<uint8_t> payload;

  uint32_t tag() const { return tag_of(payload); }
  rtp::Vp8Descriptor vp8() const { return *rtp::Vp8Descriptor::parse(payload); }
};

inline constexpr rtp::PayloadType kOpusType(111);
inline constexpr rtp::PayloadType kVp8Type(96);
inline constexpr rtp::PayloadType kRtxType(97);

inline SlotConfig audio_slot(uint32_t ssrc) {
  return {.kind = rtp::MediaKind::kAudio,
          .ssrc = rtp::Ssrc(ssrc),
          .rtx_ssrc = std::nullopt,
          .codecs = {{rtp::Codec::kOpus, kOpusType, std::nullopt}}};
}

// With RTX on the next SSRC.
inline SlotConfig video_slot(uint32_t ssrc) {
  return {.kind = rtp::MediaKind::kVideo,
          .ssrc = rtp::Ssrc(ssrc),
          .rtx_ssrc = rtp::Ssrc(ssrc + 1),
          .codecs = {{rtp::Codec::kVp8, kVp8Type, kRtxType}}};
}

inline TrackConfig audio_track(uint32_t id) {
  return {.id = TrackId(id),
          .kind = rtp::MediaKind::kAudio,
          .codec = rtp::Codec::kOpus,
          .clock_rate = 48'000,
          .layers = {""}};
}

inline TrackConfig video_track(uint32_t id, std::vector<std::string> layers = {""}) {
  return {.id = TrackId(id),
          .kind = rtp::MediaKind::kVideo,
          .codec = rtp::Codec::kVp8,
          .clock_rate = 90'000,
          .layers = std::move(layers)};
}

// A relay at a time of its own, and what one does with it again and again.
struct Scene {
  explicit Scene(const Limits& limits = {}, uint64_t seed = 1) : relay(limits, seed) {}

  PublisherId publish(const std::string& participant, const std::vector<TrackConfig>& tracks) {
    const PublisherId id = relay.add_publisher("room", participant, now);
    for (const auto& track : tracks) relay.add_track(id, track, now);
    return id;
  }
  SubscriberId watch(const Wish& wish, const std::vector<SlotConfig>& slots) {
    const SubscriberId id = relay.add_subscriber("room", wish, slots, now);
    relay.start_subscriber(id, now);
    return id;
  }
  void receive(uint32_t track, std::vector<rtp::MediaPacket> packets, uint8_t layer = 0) {
    for (auto& packet : packets) relay.receive(TrackId(track), layer, std::move(packet), now);
  }
  std::vector<Sent> collect(Duration hold = 0ms) {
    std::vector<Sent> sent;
    SubscriberBatch batch;
    while (relay.collect(now, hold, batch)) {
      for (const auto& packet : batch.packets) sent.push_back(copy(batch.subscriber, packet));
    }
    return sent;
  }
  // What leaves when these packets have come.
  std::vector<Sent> pass(uint32_t track, std::vector<rtp::MediaPacket> packets, uint8_t layer = 0) {
    receive(track, std::move(packets), layer);
    return collect();
  }
  Output advance(Duration elapsed = 0ms) {
    now += elapsed;
    Output out;
    relay.advance(now, out);
    return out;
  }
  size_t requests(Duration elapsed = 0ms) { return advance(elapsed).key_frame_requests.size(); }

  static Sent copy(SubscriberId subscriber, const rtp::OutgoingPacket& packet) {
    Sent sent{.subscriber = subscriber,
              .ssrc = packet.ssrc,
              .index = packet.index,
              .timestamp = packet.timestamp,
              .payload_type = packet.payload_type,
              .marker = packet.marker,
              .csrc = packet.csrc,
              .payload = {packet.head.begin(), packet.head.begin() + packet.head_size}};
    sent.payload.insert(sent.payload.end(), packet.body.begin(), packet.body.end());
    return sent;
  }

  PacketPool pool{20'000};
  Relay relay;
  TimePoint now{10s};
};

}  // namespace simpul::relay::testing
