#pragma once

#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/packet.h"
#include "relay/relay.h"
#include "rtp/payload_info.h"
#include "tests/support/bit_writer.h"

namespace simpul::relay::testing {

using namespace std::chrono_literals;

// The last four bytes of every payload that a source makes, so that a test knows it again.
inline uint32_t tag_of(Bytes payload) {
  return payload.size() < 4 ? 0 : load_be32(payload.last(4).first<4>());
}

// The one format of each codec that the slots and sources here have.
inline rtp::CodecFormat format_of(rtp::Codec codec) {
  if (codec == rtp::Codec::kH264) return {codec, rtp::kH264Baseline, 1};
  if (codec == rtp::Codec::kRed) return {codec, 111};
  return {codec};
}

// One layer as an encoder sends it; AV1 with a dependency descriptor.
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
    uint8_t key_idx = 20;
    uint16_t frame_number = 70;
    uint32_t first_tag = 1;
    bool repeats_parameters = false;  // of H.264, in front of other pictures too
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
    if (frame.key) at_.key_idx = (at_.key_idx + 1) & 0x1F;
    for (size_t i = 0; i < frame.packets; ++i) {
      const bool last = i + 1 == frame.packets;
      std::vector<uint8_t> payload =
          at_.codec == rtp::Codec::kH264 ? h264_head(frame, i) : head(frame.key, i == 0, last);
      payload.resize(std::max(frame.packet_size, payload.size() + 4));
      packets.push_back(packet(payload, last));
      if (at_.codec == rtp::Codec::kAv1) describe(packets.back(), frame.key, i == 0);
    }
    at_.timestamp += ticks;
    at_.picture_id = (at_.picture_id + 1) & 0x7FFF;
    ++at_.tl0_pic_idx;
    ++at_.frame_number;
    return packets;
  }

  rtp::MediaPacket audio() {
    auto made = packet(std::vector<uint8_t>(80), false);
    at_.timestamp += 960;
    return made;
  }

  rtp::MediaPacket padding() { return packet({}, false); }

 private:
  // What a payload begins with, by codec.
  std::vector<uint8_t> head(bool key, bool first, bool last) const {
    const bool key_start = key && first;
    const std::vector<uint8_t> size = {
        static_cast<uint8_t>(at_.width >> 8), static_cast<uint8_t>(at_.width),
        static_cast<uint8_t>(at_.height >> 8), static_cast<uint8_t>(at_.height)};
    const auto id = static_cast<uint16_t>(0x8000 | at_.picture_id);
    std::vector<uint8_t> bytes;
    switch (at_.codec) {
      case rtp::Codec::kVp8:
        bytes = {static_cast<uint8_t>(first ? 0x90 : 0x80),
                 0xF0,
                 static_cast<uint8_t>(id >> 8),
                 static_cast<uint8_t>(id),
                 at_.tl0_pic_idx,
                 at_.key_idx,
                 static_cast<uint8_t>(first ? (key ? 0x10 : 0x11) : 0xAA),
                 0,
                 0,
                 0x9D,
                 0x01,
                 0x2A,
                 size[1],
                 size[0],
                 size[3],
                 size[2]};
        break;
      case rtp::Codec::kVp9:
        bytes = {static_cast<uint8_t>(0xA0 | (key ? 0 : 0x40) | (first ? 0x08 : 0) |
                                      (last ? 0x04 : 0) | (key_start ? 0x02 : 0)),
                 static_cast<uint8_t>(id >> 8), static_cast<uint8_t>(id), 0, at_.tl0_pic_idx};
        if (key_start) {
          bytes.push_back(0x10);
          bytes.insert(bytes.end(), size.begin(), size.end());
        }
        break;
      case rtp::Codec::kAv1:
        bytes = {static_cast<uint8_t>(key_start ? 0x18 : 0x10), 0x32};
        break;
      case rtp::Codec::kH264:
      case rtp::Codec::kOpus:
      case rtp::Codec::kRed:
        break;
    }
    return bytes;
  }
  // Key frames: all in one packet, parameters and picture in one each, or in two and the rest.
  // The second byte of parameters tells of which they are.
  std::vector<uint8_t> h264_head(const Frame& frame, size_t i) const {
    if (!frame.key) {
      const bool parameters = at_.repeats_parameters && i == 0 && frame.packets > 1;
      return {static_cast<uint8_t>(parameters ? 0x67 : 0x41), 0x4D, 0xC0, 0x1F};
    }
    std::vector<uint8_t> bytes = {0x65, 0x88, 0x80};
    if (i == 0 && frame.packets > 2) bytes = {0x67, 0x42, 0xC0, 0x1F};
    if (i == 1 && frame.packets > 2) bytes = {0x68, 0xCE};
    if (i > 0 || frame.packets > 2) return bytes;
    const auto rest = static_cast<uint8_t>(frame.packet_size - 9);
    const auto type = static_cast<uint8_t>(frame.packets == 1 ? 0x65 : 0x68);
    return {0x78, 0, 4, 0x67, 0x42, 0xC0, 0x1F, 0, rest, type};
  }

  // Puts a dependency descriptor into the packet, behind its payload.
  void describe(rtp::MediaPacket& made, bool key, bool first) const {
    simpul::testing::BitWriter writer;
    writer.bits(first ? 0x80 : 0, 8).bits(at_.frame_number, 16);
    if (key && first) {
      writer.bits(0x10, 5).bits(0, 11).bits(3, 2).bits(0, 2).bits(0, 1).bits(0, 1).bits(1, 1);
      writer.bits(at_.width - 1u, 16).bits(at_.height - 1u, 16);
    }
    const auto& bytes = writer.bytes();
    const uint32_t at = made.packet->size;
    std::memcpy(made.packet->bytes.data() + at, bytes.data(), bytes.size());
    made.packet->size = static_cast<uint32_t>(at + bytes.size());
    made.extensions.items[0] = {.kind = rtp::ExtensionKind::kDependencyDescriptor,
                                .offset = static_cast<uint16_t>(at),
                                .size = static_cast<uint8_t>(bytes.size())};
    made.extensions.count = 1;
  }

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
    made.format = format_of(at_.codec);
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
  std::optional<uint16_t> frame_number;
  rtp::ActiveTargets active{};
  uint8_t padding = 0;

  uint32_t tag() const { return tag_of(payload); }
  rtp::Vp8Descriptor vp8() const { return *rtp::Vp8Descriptor::parse(payload); }
  // Of VP8 and VP9.
  std::optional<rtp::PictureNumbers> numbers() const;
};

inline constexpr rtp::PayloadType kOpusType(111);
inline constexpr rtp::PayloadType kRedType(63);
inline constexpr rtp::PayloadType kVp8Type(96);
inline constexpr rtp::PayloadType kRtxType(97);
inline constexpr rtp::PayloadType kVp9Type(98);
inline constexpr rtp::PayloadType kH264Type(102);
inline constexpr rtp::PayloadType kAv1Type(45);

inline std::optional<rtp::PictureNumbers> Sent::numbers() const {
  if (payload_type != kVp8Type && payload_type != kVp9Type) return std::nullopt;
  const auto codec = payload_type == kVp8Type ? rtp::Codec::kVp8 : rtp::Codec::kVp9;
  return rtp::read_payload(codec, payload, {})->numbers();
}

inline SlotConfig audio_slot(uint32_t ssrc) {
  return {.kind = rtp::MediaKind::kAudio,
          .ssrc = rtp::Ssrc(ssrc),
          .rtx_ssrc = std::nullopt,
          .codecs = {{{rtp::Codec::kOpus}, kOpusType, std::nullopt}}};
}

// With RTX on the next SSRC.
inline SlotConfig video_slot(uint32_t ssrc) {
  return {.kind = rtp::MediaKind::kVideo,
          .ssrc = rtp::Ssrc(ssrc),
          .rtx_ssrc = rtp::Ssrc(ssrc + 1),
          .codecs = {{format_of(rtp::Codec::kVp8), kVp8Type, kRtxType},
                     {format_of(rtp::Codec::kVp9), kVp9Type, rtp::PayloadType(99)},
                     {format_of(rtp::Codec::kH264), kH264Type, rtp::PayloadType(103)},
                     {format_of(rtp::Codec::kAv1), kAv1Type, rtp::PayloadType(46)}}};
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
  explicit Scene(const Limits& limits = {}, uint64_t seed = 1, size_t packets = 20'000)
      : pool(packets), relay(limits, seed) {}

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
              .payload = {packet.head.begin(), packet.head.begin() + packet.head_size},
              .frame_number = packet.frame_number,
              .active = packet.active_targets,
              .padding = packet.padding};
    sent.payload.insert(sent.payload.end(), packet.body.begin(), packet.body.end());
    return sent;
  }

  PacketPool pool;
  Relay relay;
  TimePoint now{10s};
};

}  // namespace simpul::relay::testing
