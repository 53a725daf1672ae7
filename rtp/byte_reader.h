#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace simpul::rtp {

// Bytes that are taken one after the other; ok() turns false when they end early, so a reader
// checks once, at its end.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : rest_(bytes), size_(bytes.size()) {}

  uint8_t u8() {
    if (rest_.empty()) {
      ok_ = false;
      return 0;
    }
    const uint8_t value = rest_[0];
    rest_ = rest_.subspan(1);
    return value;
  }
  uint16_t u16() {
    const auto high = static_cast<uint16_t>(u8() << 8);
    return static_cast<uint16_t>(high | u8());
  }
  Bytes bytes(size_t count) {
    if (rest_.size() < count) {
      ok_ = false;
      return {};
    }
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  bool ok() const { return ok_; }
  Bytes rest() const { return rest_; }
  size_t read() const { return size_ - rest_.size(); }

 private:
  Bytes rest_;
  size_t size_;
  bool ok_ = true;
};

}  // namespace simpul::rtp
