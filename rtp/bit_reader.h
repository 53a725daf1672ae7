#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace simpul::rtp {

// Bits that are taken one after the other, the most significant of each byte first. Past the end
// they are 0 and ok() is false, so a reader checks once, at its end; loops ask before each turn.
class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}

  uint32_t bit() {
    if (at_ >= bytes_.size() * 8) {
      ok_ = false;
      return 0;
    }
    const uint32_t value = bytes_[at_ / 8] >> (7 - at_ % 8) & 1u;
    ++at_;
    return value;
  }
  bool flag() { return bit() != 0; }
  // At most 32 of them.
  uint32_t bits(int count) {
    uint32_t value = 0;
    for (int i = 0; i < count; ++i) value = value << 1 | bit();
    return value;
  }
  void skip(int count) { (void)bits(count); }

  // ns(n) of the AV1 specification (§4.10.7): a number below `values`.
  uint32_t non_symmetric(uint32_t values) {
    if (values <= 1) return 0;
    const int width = static_cast<int>(std::bit_width(values));
    const uint32_t short_ones = (1u << width) - values;
    const uint32_t value = bits(width - 1);
    return value < short_ones ? value : (value << 1) - short_ones + bit();
  }

  // ue(v) of H.264 (§9.1). A code for a number of more than 31 bits is not ok.
  uint32_t exponential_golomb() {
    int zeros = 0;
    while (ok_ && bit() == 0) ++zeros;
    if (zeros > 31) ok_ = false;
    return ok_ ? (1u << zeros) - 1 + bits(zeros) : 0;
  }
  // se(v) of H.264 (§9.1.1).
  int32_t signed_exponential_golomb() {
    const uint32_t code = exponential_golomb();
    const auto half = static_cast<int32_t>(code / 2);
    return code % 2 == 0 ? -half : half + 1;
  }

  bool ok() const { return ok_; }
  size_t position() const { return at_; }  // in bits

 private:
  Bytes bytes_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace simpul::rtp
