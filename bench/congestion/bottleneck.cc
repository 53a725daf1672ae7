#include "bench/congestion/bottleneck.h"

#include <algorithm>
#include <cmath>

namespace simpul::congestion {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
Duration duration_of(double seconds) { return Duration(std::llround(seconds * 1e6)); }

Bottleneck::Bottleneck(const PathProfile& profile)
    : profile_(profile), tokens_(profile.policer_burst_bytes.value_or(0)) {}

double Bottleneck::capacity(Duration now) const {
  double bps = 0;
  for (const PathProfile::Step& step : profile_.capacity) {
    if (step.at <= now) bps = step.bps;
  }
  return bps;
}

std::optional<Duration> Bottleneck::cross(size_t size, Duration now) {
  const double bps = capacity(now);
  if (profile_.policer_burst_bytes) {
    tokens_ += seconds(now - tokens_at_) * bps / 8;
    tokens_ = std::min(tokens_, *profile_.policer_burst_bytes);
    tokens_at_ = now;
    if (tokens_ < static_cast<double>(size)) return std::nullopt;
    tokens_ -= static_cast<double>(size);
    return now;
  }
  const Duration begin = std::max(now, free_at_);
  if (begin - now > profile_.queue) return std::nullopt;
  free_at_ = begin + duration_of(static_cast<double>(size) * 8 / bps);
  return free_at_;
}

}  // namespace simpul::congestion
