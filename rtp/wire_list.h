#pragma once

#include <cstddef>
#include <iterator>

#include "base/bytes.h"
#include "rtp/types.h"

namespace simpul::rtp {

// How an entry of a list looks on the wire: its size and how to read it.
template <class T>
struct Wire;

template <>
struct Wire<Ssrc> {
  static constexpr size_t kSize = 4;
  static Ssrc read(std::span<const uint8_t, kSize> b) { return Ssrc(load_be32(b)); }
};

// Entries of a fixed size inside a packet, read when they are asked for. Borrows the bytes;
// a rest that is no whole entry is not seen.
template <class T>
class WireList {
 public:
  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    Iterator(Bytes bytes, size_t index) : list_(bytes), index_(index) {}
    T operator*() const { return list_[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++index_;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.index_ == b.index_; }

   private:
    WireList list_;
    size_t index_ = 0;
  };
  using value_type = T;
  using iterator = Iterator;
  using const_iterator = Iterator;

  WireList() = default;
  explicit WireList(Bytes bytes) : bytes_(bytes) {}

  size_t size() const { return bytes_.size() / Wire<T>::kSize; }
  bool empty() const { return size() == 0; }
  T operator[](size_t index) const {
    const Bytes entry = bytes_.subspan(index * Wire<T>::kSize, Wire<T>::kSize);
    return Wire<T>::read(entry.template first<Wire<T>::kSize>());
  }
  Iterator begin() const { return Iterator(bytes_, 0); }
  Iterator end() const { return Iterator(bytes_, size()); }

 private:
  Bytes bytes_;
};

}  // namespace simpul::rtp
