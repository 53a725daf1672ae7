#include "rtp/rate_meter.h"

#include <algorithm>

namespace simpul::rtp {
namespace {

// Rounds down for times before the clock's zero too.
int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

}  // namespace

void RateMeter::add(size_t bytes, TimePoint now) {
  const int64_t bucket = floor_div(now.time_since_epoch().count(), kBucket.count());
  if (!started_ || bucket >= newest_ + kBuckets) {
    bytes_.fill(0);
    newest_ = bucket;
    since_ = now;
    started_ = true;
  }
  for (; newest_ < bucket; ++newest_) slot(newest_ + 1) = 0;
  slot(newest_) += bytes;
}

uint64_t RateMeter::bits_per_second(TimePoint now) const {
  if (!started_) return 0;
  const int64_t bucket =
      std::max(newest_, floor_div(now.time_since_epoch().count(), kBucket.count()));
  const int64_t oldest = bucket - kBuckets + 1;
  uint64_t sum = 0;
  for (int64_t index = std::max(oldest, newest_ - kBuckets + 1); index <= newest_; ++index) {
    sum += slot(index);
  }
  const TimePoint begin = std::max(since_, TimePoint(oldest * kBucket));
  const Duration covered = std::max(now - begin, kBucket);
  return sum * 8 * 1'000'000 / static_cast<uint64_t>(covered.count());
}

}  // namespace simpul::rtp
