#pragma once

#include <algorithm>

#include "base/bytes.h"

namespace simpul {

// Writes big-endian fields one after the other into memory of the caller. What does not fit is
// not written and makes ok() false, so a writer checks once, at its end.
class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes room) : room_(room) {}

  void u8(uint8_t value) {
    if (const auto at = take(1); !at.empty()) at[0] = value;
  }
  void u16(uint16_t value) {
    if (const auto at = take(2); !at.empty()) store_be16(at.first<2>(), value);
  }
  void u24(uint32_t value) {
    if (const auto at = take(3); !at.empty()) store_be24(at.first<3>(), value);
  }
  void u32(uint32_t value) {
    if (const auto at = take(4); !at.empty()) store_be32(at.first<4>(), value);
  }
  void u64(uint64_t value) {
    if (const auto at = take(8); !at.empty()) store_be64(at.first<8>(), value);
  }
  void bytes(Bytes from) {
    if (from.empty()) return;
    if (const auto at = take(from.size()); !at.empty()) std::ranges::copy(from, at.begin());
  }
  void zeros(size_t count) {
    if (count == 0) return;
    if (const auto at = take(count); !at.empty()) std::ranges::fill(at, uint8_t{0});
  }

  bool ok() const { return ok_; }
  size_t size() const { return size_; }
  size_t left() const { return room_.size() - size_; }
  MutableBytes written() const { return room_.first(size_); }

 private:
  // Empty when there is no room: nothing is asked for with a count of zero.
  MutableBytes take(size_t count) {
    if (!ok_ || left() < count) {
      ok_ = false;
      return {};
    }
    const auto at = room_.subspan(size_, count);
    size_ += count;
    return at;
  }

  MutableBytes room_;
  size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace simpul
