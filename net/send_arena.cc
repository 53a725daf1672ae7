#include "net/send_arena.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace simpul::net {
namespace {

// Of one flush: what is more makes the list grow once, and it keeps its memory.
constexpr size_t kRunsExpected = 1024;

}  // namespace

SendArena::SendArena(size_t capacity)
    : capacity_(capacity), memory_(new uint8_t[capacity]) {  // not touched before it is needed
  runs_.reserve(kRunsExpected);
}

MutableBytes SendArena::reserve(size_t size) {
  reserved_ = 0;
  if (size > kRunBytesMax || size > capacity_ - used_) return {};
  reserved_ = size;
  return {memory_.get() + used_, size};
}

void SendArena::commit(size_t size, const Address& to, bool plain, uint16_t from) {
  SIMPUL_CHECK(size <= reserved_);
  reserved_ = 0;
  if (size == 0) return;
  if (!plain && joins_last_run(size, to, from)) {
    SendRun& run = runs_.back();
    run.size += static_cast<uint32_t>(size);
    ++run.segments;
  } else {
    runs_.push_back({.offset = static_cast<uint32_t>(used_),
                     .size = static_cast<uint32_t>(size),
                     .segment_size = static_cast<uint16_t>(size),
                     .segments = 1,
                     .plain = plain,
                     .from = from,
                     .to = to});
  }
  used_ += size;
}

bool SendArena::joins_last_run(size_t size, const Address& to, uint16_t from) const {
  if (runs_.empty()) return false;
  const SendRun& run = runs_.back();
  const bool ended_by_a_shorter_one = run.size != size_t{run.segment_size} * run.segments;
  return !run.plain && !ended_by_a_shorter_one && size <= run.segment_size &&
         run.segments < kSegmentsMax && run.size + size <= kRunBytesMax && run.from == from &&
         run.to == to;
}

void SendArena::drop_front(size_t count) {
  SIMPUL_CHECK(count <= runs_.size());
  if (count == runs_.size()) return reset();
  runs_.erase(runs_.begin(), runs_.begin() + static_cast<std::ptrdiff_t>(count));
  const uint32_t freed = runs_.front().offset;
  const size_t kept = used_ - freed;
  if (kept > freed) return;
  std::memmove(memory_.get(), memory_.get() + freed, kept);
  for (SendRun& run : runs_) run.offset -= freed;
  used_ = kept;
}

void SendArena::reset() {
  runs_.clear();
  used_ = 0;
  reserved_ = 0;
}

}  // namespace simpul::net
