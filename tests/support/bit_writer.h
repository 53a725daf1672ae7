#pragma once

#include <cstdint>
#include <vector>

namespace simpul::testing {

// Bits one after the other, as AV1 and H.264 write their headers.
class BitWriter {
 public:
  BitWriter& bits(uint64_t value, int count) {
    for (int i = count - 1; i >= 0; --i) {
      if (at_ % 8 == 0) bytes_.push_back(0);
      bytes_.back() = static_cast<uint8_t>(bytes_.back() | (value >> i & 1) << (7 - at_ % 8));
      ++at_;
    }
    return *this;
  }
  // ue(v) of H.264.
  BitWriter& golomb(uint32_t value) {
    int width = 0;
    while (((uint64_t{value} + 1) >> (width + 1)) != 0) ++width;
    return bits(0, width).bits(uint64_t{value} + 1, width + 1);
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
  int at_ = 0;
};

}  // namespace simpul::testing
