#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace simpul::peer {

// Bits one after the other, the most significant first, into a small memory of its own. What is
// written stays far below its size: headers of pictures.
class BitWriter {
 public:
  BitWriter& bits(uint64_t value, int count) {
    for (int i = count - 1; i >= 0 && at_ < bytes_.size() * 8; --i, ++at_) {
      const auto bit = static_cast<uint8_t>((value >> i & 1) << (7 - at_ % 8));
      bytes_[at_ / 8] = static_cast<uint8_t>(bytes_[at_ / 8] | bit);
    }
    return *this;
  }
  // ue(v) of H.264 (§9.1).
  BitWriter& golomb(uint32_t value) {
    int width = 0;
    while (((uint64_t{value} + 1) >> (width + 1)) != 0) ++width;
    return bits(0, width).bits(uint64_t{value} + 1, width + 1);
  }
  // The last byte is filled up with zeros.
  Bytes bytes() const { return Bytes(bytes_).first((at_ + 7) / 8); }

 private:
  std::array<uint8_t, 64> bytes_{};
  size_t at_ = 0;
};

}  // namespace simpul::peer
