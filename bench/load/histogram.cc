#include "bench/load/histogram.h"

#include <algorithm>
#include <cmath>

namespace simpul::load {
namespace {

constexpr double kSmallest = 0.001;  // a microsecond

}  // namespace

size_t Histogram::bucket_of(double milliseconds) {
  const double doublings = std::log2(std::max(milliseconds, kSmallest) / kSmallest);
  return std::min(static_cast<size_t>(doublings * double{kPerDoubling}), kBuckets - 1);
}

double Histogram::end_of(size_t bucket) {
  return kSmallest * std::exp2(static_cast<double>(bucket + 1) / double{kPerDoubling});
}

void Histogram::add(double milliseconds) {
  ++buckets_[bucket_of(milliseconds)];
  ++count_;
  max_ = std::max(max_, milliseconds);
}

Histogram& Histogram::operator+=(const Histogram& other) {
  for (size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  return *this;
}

double Histogram::percentile(double share) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t seen = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= wanted && seen > 0) return std::min(end_of(i), max_);
  }
  return max_;
}

double Histogram::share_below(double milliseconds) const {
  if (count_ == 0) return 0;
  if (milliseconds >= max_) return 1;
  uint64_t seen = 0;
  for (size_t i = 0; i < bucket_of(milliseconds); ++i) seen += buckets_[i];
  return static_cast<double>(seen) / static_cast<double>(count_);
}

}  // namespace simpul::load
