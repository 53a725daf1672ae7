#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "rtp/types.h"

namespace simpul::testing {

// What a test cares about; everything else is valid by default. `extension_words` and
// `padding_count` are written as given, true or not, so that a test can lie about them.
struct PacketFields {
  uint8_t payload_type = 96;
  bool marker = false;
  uint16_t sequence_number = 1;
  uint32_t timestamp = 3000;
  rtp::Ssrc ssrc{0x11223344};
  std::vector<uint32_t> csrcs = {};
  uint16_t extension_profile = 0xbede;
  std::optional<uint16_t> extension_words = {};
  std::vector<uint8_t> extension = {};
  std::vector<uint8_t> payload = {};
  std::optional<uint8_t> padding_count = {};
};

inline void append_be(std::vector<uint8_t>& bytes, uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<uint8_t>(value >> shift));
  }
}

// One RTP packet. With a padding count, one byte of padding is appended: its last.
inline std::vector<uint8_t> make_packet(const PacketFields& fields) {
  std::vector<uint8_t> bytes;
  append_be(bytes,
            0x80u | (fields.padding_count ? 0x20u : 0) | (fields.extension_words ? 0x10u : 0) |
                fields.csrcs.size(),
            1);
  append_be(bytes, (fields.marker ? 0x80u : 0) | fields.payload_type, 1);
  append_be(bytes, fields.sequence_number, 2);
  append_be(bytes, fields.timestamp, 4);
  append_be(bytes, fields.ssrc.value(), 4);
  for (const uint32_t csrc : fields.csrcs) append_be(bytes, csrc, 4);
  if (fields.extension_words) {
    append_be(bytes, fields.extension_profile, 2);
    append_be(bytes, *fields.extension_words, 2);
    bytes.insert(bytes.end(), fields.extension.begin(), fields.extension.end());
  }
  bytes.insert(bytes.end(), fields.payload.begin(), fields.payload.end());
  if (fields.padding_count) append_be(bytes, *fields.padding_count, 1);
  return bytes;
}

// One RTCP packet with a length that is true.
inline std::vector<uint8_t> make_rtcp(uint8_t format, uint8_t type, std::vector<uint8_t> body) {
  std::vector<uint8_t> bytes;
  append_be(bytes, 0x80u | format, 1);
  append_be(bytes, type, 1);
  append_be(bytes, body.size() / 4, 2);
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

struct Vp8Fields {
  bool starts_frame = true;
  bool key_frame = false;
  uint16_t picture_id = 0x1234;
  uint8_t tl0_pic_idx = 7;
  uint8_t temporal_id = 0;
  uint8_t key_idx = 0;
  uint16_t width = 640;
  uint16_t height = 360;
  size_t frame_size = 10;
};

// A VP8 payload as browsers send it: all fields of the descriptor, a 15-bit picture id.
inline std::vector<uint8_t> make_vp8_payload(const Vp8Fields& fields) {
  std::vector<uint8_t> bytes;
  append_be(bytes, fields.starts_frame ? 0x90 : 0x80, 1);
  append_be(bytes, 0xf0, 1);
  append_be(bytes, 0x8000u | fields.picture_id, 2);
  append_be(bytes, fields.tl0_pic_idx, 1);
  append_be(bytes, uint64_t{fields.temporal_id} << 6 | fields.key_idx, 1);
  const size_t descriptor_size = bytes.size();
  if (fields.starts_frame && fields.key_frame) {
    append_be(bytes, 0x1000009d012a, 6);
    append_be(bytes, (fields.width & 0xffu) << 8 | fields.width >> 8, 2);
    append_be(bytes, (fields.height & 0xffu) << 8 | fields.height >> 8, 2);
  } else {
    append_be(bytes, 0x11, 1);
  }
  if (bytes.size() < descriptor_size + fields.frame_size) {
    bytes.resize(descriptor_size + fields.frame_size, 0x55);
  }
  return bytes;
}

}  // namespace simpul::testing
