#include "net/frame_queue.h"

#include "base/check.h"

namespace simpul::net {

bool FrameQueue::push(Bytes frame, bool is_media) {
  const size_t size = kFrameHeaderSize + frame.size();
  if (waiting().size() + size > (is_media ? kMediaBytesMax : kBytesMax)) return false;
  if (bytes_.size() + size > kBytesMax) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  bytes_.reserve(kBytesMax);  // once: pages that are not written cost nothing
  append(frame_header(frame.size()));
  append(frame);
  return true;
}

void FrameQueue::push_rest(Bytes frame, size_t sent) {
  SIMPUL_CHECK(empty() && sent < kFrameHeaderSize + frame.size());
  bytes_.reserve(kBytesMax);
  append(frame_header(frame.size()));
  append(frame);
  begin_ = sent;
}

void FrameQueue::pop(size_t count) {
  SIMPUL_CHECK(count <= waiting().size());
  begin_ += count;
  if (!empty()) return;
  bytes_ = std::vector<uint8_t>();  // = {} would keep the memory
  begin_ = 0;
}

}  // namespace simpul::net
