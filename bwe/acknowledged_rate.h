#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "bwe/packet_result.h"

namespace simpul::bwe {

// How many bits a second reach the receiver. The longest pause between two arrivals counts as the
// second longest, so that one stall of the path does not look like a slow path; and never more than
// was sent in that time, so that a queue that empties does not look like a fast one.
class AcknowledgedRate {
 public:
  static constexpr size_t kPacketsMin = 20;  // that the window keeps, whatever their age
  static constexpr size_t kPacketsMax = 500;
  static constexpr size_t kPacketsNeeded = 10;
  static constexpr Duration kWindow = std::chrono::seconds(1);
  static constexpr Duration kBusyMin = std::chrono::milliseconds(100);
  static constexpr Duration kRecent = std::chrono::milliseconds(250);
  static constexpr Duration kWindowMax = std::chrono::seconds(5);

  // Those that were lost count for nothing.
  void add(std::span<const PacketResult> results);
  std::optional<uint64_t> bits_per_second() const;
  // For as long as the last packet has `waited`, the path was busy, and what arrived is what it
  // carries. Nothing where that was not long, or nothing arrived for a good part of it: then the
  // packets waited for something else.
  std::optional<uint64_t> busy_bits_per_second(Duration waited) const;
  // The same of the last moments alone where that is far less: the path has become slower.
  std::optional<uint64_t> dropped_bits_per_second(Duration waited) const;

 private:
  struct Packet {
    TimePoint sent_at;
    Duration arrived_at{};
    uint32_t size = 0;
    int32_t pause = 0;  // before it, in µs
  };

  // The two longest of them.
  struct Pauses {
    int32_t longest = 0;
    int32_t second = 0;

    void add(int32_t pause);
  };
  // So many packets in a row of the ring have theirs told together.
  static constexpr size_t kBlock = 32;

  size_t slot_of(size_t index) const { return (first_ + index) & (packets_.size() - 1); }
  const Packet& at(size_t index) const { return packets_[slot_of(index)]; }
  Packet& at(size_t index) { return packets_[slot_of(index)]; }

  void add(TimePoint sent_at, Duration arrived_at, uint32_t size);
  void sort_last();
  void make_room();
  void note_pause(size_t slot);
  void note_pauses(size_t begin);
  Pauses pauses() const;
  void shrink();

  std::vector<Packet> packets_;  // a ring, by arrival; its size is a power of two
  std::vector<Pauses> blocks_;   // of each block, as far as it was filled since it was begun
  size_t first_ = 0;
  size_t count_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace simpul::bwe
