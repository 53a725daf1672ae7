#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace simpul::load {

// How times are distributed, in a few kilobytes whatever their number: each is known to 2 %, from a
// microsecond to a minute; the largest is known exactly. In milliseconds.
class Histogram {
 public:
  static constexpr size_t kPerDoubling = 32;
  static constexpr size_t kBuckets = 26 * kPerDoubling;

  void add(double milliseconds);
  Histogram& operator+=(const Histogram& other);

  uint64_t count() const { return count_; }
  double max() const { return max_; }
  // Zero when there is none.
  double percentile(double share) const;
  // The share of all that is below, 0 to 1.
  double share_below(double milliseconds) const;

 private:
  static size_t bucket_of(double milliseconds);
  static double end_of(size_t bucket);

  std::array<uint64_t, kBuckets> buckets_{};
  uint64_t count_ = 0;
  double max_ = 0;
};

}  // namespace simpul::load
