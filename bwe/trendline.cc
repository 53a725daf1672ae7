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

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

void Trendline::add(const GroupDelta& delta) {
  if (count_ == 0) first_at_ = delta.arrived_at;
  accumulated_ += milliseconds(delta.arrived - delta.sent);
  smoothed_ = kSmoothing * smoothed_ + (1 - kSmoothing) * accumulated_;
  points_[count_ % kWindow] = {milliseconds(delta.arrived_at - first_at_), smoothed_};
  ++count_;
  judge(count_ >= kWindow ? slope() : trend_, milliseconds(delta.sent), delta.arrived_at);
}

// The least squares through the points; the last known one when they have no extent.
double Trendline::slope() const {
  double time = 0;
  double delay = 0;
  for (const Point& point : points_) {
    time += point.time;
    delay += point.delay;
  }
  time /= kWindow;
  delay /= kWindow;
  double numerator = 0;
  double denominator = 0;
  for (const Point& point : points_) {
    numerator += (point.time - time) * (point.delay - delay);
    denominator += (point.time - time) * (point.time - time);
  }
  return denominator > 0 ? numerator / denominator : trend_;
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
