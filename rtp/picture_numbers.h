#pragma once

#include <array>
#include <cstdint>

namespace simpul::rtp {

// The numbers of a VP8 or VP9 payload descriptor that run on from frame to frame.
struct PictureNumbers {
  uint16_t picture_id = 0;  // 15 bits
  uint8_t tl0_pic_idx = 0;
  uint8_t key_idx = 0;  // 5 bits, of VP8 only

  friend bool operator==(const PictureNumbers&, const PictureNumbers&) = default;
};

// The first bytes of an outgoing payload, and how many bytes of the incoming one they replace.
struct PayloadHead {
  std::array<uint8_t, 8> bytes{};
  uint8_t size = 0;
  uint8_t replaced = 0;
};

}  // namespace simpul::rtp
