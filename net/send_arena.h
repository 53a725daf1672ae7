#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"

namespace simpul::net {

// Datagrams that lie one behind the other and leave as one message: between two addresses, all of
// `segment_size` bytes but the last, which may be shorter.
struct SendRun {
  uint32_t offset = 0;
  uint32_t size = 0;
  uint16_t segment_size = 0;
  uint16_t segments = 0;
  bool plain = false;  // one message for each datagram: the destination takes no runs
  uint16_t from = 0;   // as OutgoingMessage has it
  Address to;
};

// Send memory: datagrams are written into it one behind the other, and those that the kernel can
// take in one message are joined into runs. Decides what is a run (UDP_SEGMENT's rules); sends
// nothing. What is written stays where it is until drop_front() or reset().
class SendArena {
 public:
  static constexpr size_t kCapacity = 4 * 1024 * 1024;
  static constexpr size_t kSegmentsMax = 64;      // UDP_MAX_SEGMENTS of older kernels
  static constexpr size_t kRunBytesMax = 65'000;  // 65,535 less the headers

  explicit SendArena(size_t capacity = kCapacity);

  // Room for one datagram right behind the last; empty when the arena is full or the datagram
  // would be larger than any (kRunBytesMax). A second reserve() without commit() gives the same
  // room.
  MutableBytes reserve(size_t size);
  // Makes a datagram of the first `size` bytes of what was reserved. `plain`: never join it.
  void commit(size_t size, const Address& to, bool plain, uint16_t from = 0);

  std::span<SendRun> runs() { return runs_; }
  std::span<const SendRun> runs() const { return runs_; }
  Bytes bytes(const SendRun& run) const { return {memory_.get() + run.offset, run.size}; }

  // Forgets the first `count` runs, and moves the rest to the start of the memory when that costs
  // less than what it frees.
  void drop_front(size_t count);
  void reset();

  size_t used() const { return used_; }
  size_t capacity() const { return capacity_; }

 private:
  bool joins_last_run(size_t size, const Address& to, uint16_t from) const;

  size_t capacity_;
  std::unique_ptr<uint8_t[]> memory_;
  std::vector<SendRun> runs_;
  size_t used_ = 0;
  size_t reserved_ = 0;
};

}  // namespace simpul::net
