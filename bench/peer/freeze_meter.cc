#include "bench/peer/freeze_meter.h"

#include <algorithm>

namespace simpul::peer {
namespace {

std::optional<Duration> frozen_from(std::optional<Duration> mean) {
  if (!mean) return std::nullopt;
  return std::max(3 * *mean, *mean + FreezeMeter::kFrozenAfter);
}

}  // namespace

std::optional<Duration> FreezeMeter::mean() const {
  const size_t known = std::min(interval_count_, kIntervals);
  if (known < kIntervalsMin) return std::nullopt;
  return Duration(static_cast<int64_t>(interval_sum_us_ / known));
}

void FreezeMeter::count(Duration gap, std::optional<Duration> frozen_from) {
  counts_.longest_gap = std::max(counts_.longest_gap, gap);
  if (!frozen_from || gap < *frozen_from) return;
  ++counts_.freezes;
  counts_.frozen += gap;
}

void FreezeMeter::frame(TimePoint now) {
  if (!last_frame_at_) {
    last_frame_at_ = now;
    return;
  }
  const Duration interval = now - *last_frame_at_;
  last_frame_at_ = now;
  const auto interval_us = static_cast<uint32_t>(std::min<int64_t>(interval.count(), UINT32_MAX));
  uint32_t& oldest = intervals_us_[interval_count_ % kIntervals];
  interval_sum_us_ += interval_us;
  interval_sum_us_ -= oldest;
  oldest = interval_us;
  ++interval_count_;
  if (!ended_) count(interval, frozen_from(mean()));
}

void FreezeMeter::end(TimePoint now) {
  if (ended_ || !last_frame_at_) return;
  ended_ = true;
  counts_.last_gap = now - *last_frame_at_;
  count(counts_.last_gap, frozen_from(mean()).value_or(kFrozenAtOnce));
}

void FreezeMeter::reset() {
  counts_ = {};
  ended_ = false;
}

}  // namespace simpul::peer
