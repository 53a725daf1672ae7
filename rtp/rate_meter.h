#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace simpul::rtp {

// The bit rate over the last second, in ten buckets. A meter younger than a second divides by
// its age. Time does not go back: what is older than the newest bucket counts there.
class RateMeter {
 public:
  void add(size_t bytes, TimePoint now);
  uint64_t bits_per_second(TimePoint now) const;

 private:
  static constexpr int64_t kBuckets = 10;
  static constexpr Duration kBucket = std::chrono::milliseconds(100);

  // The index is of buckets since the clock's zero, which may lie ahead.
  static size_t place(int64_t index) {
    return static_cast<size_t>((index % kBuckets + kBuckets) % kBuckets);
  }
  uint64_t& slot(int64_t index) { return bytes_[place(index)]; }
  uint64_t slot(int64_t index) const { return bytes_[place(index)]; }

  std::array<uint64_t, kBuckets> bytes_{};
  int64_t newest_ = 0;  // index of the newest bucket
  TimePoint since_{};   // of the first byte after a silence
  bool started_ = false;
};

}  // namespace simpul::rtp
