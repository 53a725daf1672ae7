#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"

namespace simpul::ice {

// What an accepted TCP connection says first: one frame (RFC 4571 §2) with a STUN binding request
// whose USERNAME names one of our connections (RFC 6544 §7.1). Decides whether that is so as early
// as the bytes tell, and never takes a byte of the frame behind it. Nothing of it is authentic:
// whoever the connection is handed to verifies it.
class TcpGreeting {
 public:
  // Of the frame. Checks of browsers take 90 to 200 bytes.
  static constexpr size_t kSizeMax = 1024;

  enum class State : uint8_t { kIncomplete, kRefused, kComplete };

  // Where what comes next is to be put; not empty while the state is kIncomplete.
  MutableBytes room() { return MutableBytes(bytes_).subspan(taken_, wanted_ - taken_); }
  // `count` bytes were put there.
  State take(size_t count);

  // When complete: the frame without its header, and our part of its USERNAME.
  Bytes frame() const { return Bytes(bytes_).first(taken_).subspan(kHeaderSize); }
  std::string_view username_fragment() const;

 private:
  static constexpr size_t kHeaderSize = 2;
  static constexpr size_t kStunHeaderSize = 20;

  bool may_become_a_check() const;

  std::array<uint8_t, kHeaderSize + kSizeMax> bytes_{};
  size_t taken_ = 0;
  size_t wanted_ = kHeaderSize + kStunHeaderSize;
};

}  // namespace simpul::ice
