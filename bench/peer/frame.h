#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"
#include "rtp/types.h"

namespace simpul::peer {

// What all frames of one encoding have in common.
struct FrameFormat {
  rtp::Codec codec = rtp::Codec::kVp8;
  uint32_t source = 0;  // its SSRC, for the stamps
  uint16_t width = 1280;
  uint16_t height = 720;
  uint8_t temporal_layers = 1;
  size_t payload_max = 1'160;
};

// An encoded frame, as numbers: its packets can be made from it at any time, and come out alike.
struct Frame {
  TimePoint made_at{};        // its first packet leaves
  uint64_t first_index = 0;   // of its packets: rollover counter and sequence number
  uint32_t first_number = 0;  // of its packets, in the stamps
  uint32_t timestamp = 0;
  uint32_t bytes = 0;    // of all payloads but parameter sets
  uint16_t packets = 0;  // 0: there is no frame
  uint16_t number = 0;
  uint16_t picture_id = 0;  // 15 bits
  uint8_t tl0_pic_idx = 0;
  uint8_t temporal_id = 0;
  uint8_t depends_on = 0;  // so many frames back; 0: on none
  // So much less than `payload_max` fits into its first, its last and its only packet: they have
  // header extensions that the others have not.
  uint8_t first_reduction = 0;
  uint8_t last_reduction = 0;
  uint8_t only_reduction = 0;
  bool layer_sync = false;  // builds on the lowest temporal layer only
  bool key_frame = false;
};

// Into how many packets it is cut.
uint16_t packets_of(const FrameFormat& format, const Frame& frame);

inline constexpr size_t kPayloadSizeMax = 1'400;

// Writes one payload as libwebrtc's packetizers cut frames, with the stamp at its end, and returns
// its size: VP8 (RFC 7741), VP9 (RFC 9628, not flexible), H.264 (RFC 6184, mode 1: parameter sets
// in a STAP-A of their own in front of an IDR picture, pictures as one unit or as FU-A), AV1. VP8,
// VP9 and H.264 are cut into packets that differ by a byte, the larger ones last; AV1 into full
// ones; all with their headers, so that the first and the last payload have their reductions.
// `made_at` is when this packet leaves. Bytes that mean nothing are the same within a packet.
size_t write_payload(const FrameFormat& format, const Frame& frame, size_t packet,
                     TimePoint made_at, std::span<uint8_t, kPayloadSizeMax> room);

// AV1's dependency descriptor of one packet, of a stream without layers (L1T1) or with three
// temporal ones (L1T3), by the templates that libwebrtc has for these; with the structure in front
// of a key frame. Returns its size.
inline constexpr size_t kDependencyDescriptorMax = 24;
size_t write_dependency_descriptor(const FrameFormat& format, const Frame& frame, size_t packet,
                                   std::span<uint8_t, kDependencyDescriptorMax> room);

}  // namespace simpul::peer
