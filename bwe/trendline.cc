#include "bwe/trendline.h"

#include <algorithm>
#include <cmath>

namespace simpul::bwe {
namespace {

constexpr double kSmoothing = 0.9;
constexpr double kGain = 4.0;
constexpr size_t kDeltasMax = 60;
constexpr double kOverForMs = 10.0;
// What lies further above the threshold is a jump of the path, not its noise.
constexpr double kOutlier = 15.0;
constexpr double kRise = 0.0087;  // of the threshold, a millisecond
constexpr double kFall = 0.039;
constexpr double kAdaptMaxMs = 100.0;

constexpr Duration kStep = std::chrono::microseconds(250);
constexpr double kDelayMax = 1e12;  // µs: nobody's clock is true who says more

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

void Trendline::Sums::add(const Point& point, uint64_t sign) {
  time += sign * point.time;
  delay += sign * point.delay;
  time_squared += sign * point.time * point.time;
  time_by_delay += sign * point.time * point.delay;
}

void Trendline::add(const GroupDelta& delta) {
  if (count_ == 0) first_at_ = delta.arrived_at;
  accumulated_ += milliseconds(delta.arrived - delta.sent);
  smoothed_ = kSmoothing * smoothed_ + (1 - kSmoothing) * accumulated_;
  Point& point = points_[count_ % kWindow];
  sums_.add(point, ~uint64_t{0});
  const double delay = std::clamp(smoothed_ * 1'000, -kDelayMax, kDelayMax);
  point = {.time = static_cast<uint64_t>((delta.arrived_at - first_at_) / kStep),
           .delay = static_cast<uint64_t>(std::llround(delay))};
  sums_.add(point, 1);
  ++count_;
  judge(count_ >= kWindow ? slope() : trend_, milliseconds(delta.sent), delta.arrived_at);
}

// The least squares through the points; the last known one when they have no extent.
double Trendline::slope() const {
  const auto numerator = kWindow * sums_.time_by_delay - sums_.time * sums_.delay;
  const auto denominator = kWindow * sums_.time_squared - sums_.time * sums_.time;
  if (static_cast<int64_t>(denominator) <= 0) return trend_;
  return static_cast<double>(static_cast<int64_t>(numerator)) /
         static_cast<double>(static_cast<int64_t>(denominator)) /
         static_cast<double>(kStep.count());
}

void Trendline::judge(double trend, double sent_ms, Duration at) {
  if (count_ < 2) {
    use_ = PathUse::kNormal;
    return;
  }
  const double level = static_cast<double>(std::min(count_, kDeltasMax)) * trend * kGain;
  if (level > threshold_) {
    // It began somewhere within the first of these groups.
    over_for_ms_ = over_for_ms_ < 0 ? sent_ms / 2 : over_for_ms_ + sent_ms;
    ++over_count_;
    if (over_for_ms_ > kOverForMs && over_count_ > 1 && trend >= trend_) {
      over_for_ms_ = 0;
      over_count_ = 0;
      use_ = PathUse::kOver;
    }
  } else {
    over_for_ms_ = -1;
    over_count_ = 0;
    use_ = level < -threshold_ ? PathUse::kUnder : PathUse::kNormal;
  }
  trend_ = trend;
  adapt(level, at);
}

void Trendline::adapt(double level, Duration at) {
  if (!is_adapted_) adapted_at_ = at;
  is_adapted_ = true;
  const double size = std::abs(level);
  if (size <= threshold_ + kOutlier) {
    const double rate = size < threshold_ ? kFall : kRise;
    const double passed = std::clamp(milliseconds(at - adapted_at_), 0.0, kAdaptMaxMs);
    threshold_ += rate * (size - threshold_) * passed;
    threshold_ = std::clamp(threshold_, kThresholdMin, kThresholdMax);
  }
  adapted_at_ = at;
}

}  // namespace simpul::bwe
