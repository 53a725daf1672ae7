#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "net/frame_reader.h"

namespace simpul::net {

// The two bytes in front of a frame (RFC 4571 §2).
inline std::array<uint8_t, kFrameHeaderSize> frame_header(size_t size) {
  std::array<uint8_t, kFrameHeaderSize> header{};
  store_be16(header, static_cast<uint16_t>(size));
  return header;
}

// What a TCP stream could not take yet: bytes that are to follow what was sent, with their headers.
// Decides which frames still fit: always whole ones, because half of one would garble all that
// follows. Media leaves room for what a connection cannot do without. Its memory is taken when
// something waits, and given back when nothing does.
class FrameQueue {
 public:
  static constexpr size_t kBytesMax = 262'144;
  static constexpr size_t kMediaBytesMax = kBytesMax / 4 * 3;

  // False when the frame has no room: it is lost, and the stream goes on.
  bool push(Bytes frame, bool is_media);
  // The rest of a frame, of which the kernel has taken `sent` bytes (header included) already.
  // Only while nothing waits.
  void push_rest(Bytes frame, size_t sent);

  Bytes waiting() const { return Bytes(bytes_).subspan(begin_); }
  bool empty() const { return begin_ == bytes_.size(); }
  // The first `count` bytes were sent.
  void pop(size_t count);

 private:
  void append(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }

  std::vector<uint8_t> bytes_;
  size_t begin_ = 0;
};

}  // namespace simpul::net
