#include "bwe/delay_estimator.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace simpul::bwe {
namespace {

constexpr double kVarianceMin = 0.4;
constexpr double kVarianceMax = 2.5;
constexpr double kDeviations = 3.0;
constexpr double kGrowth = 1.08;        // a second
constexpr double kGrowthMin = 1'000.0;  // bit/s, a report
constexpr double kAcknowledgedMost = 1.5;
constexpr double kAcknowledgedSpare = 10'000.0;
constexpr double kBackoffSpare = 5'000.0;
constexpr double kAdditiveMin = 4'000.0;  // bit/s, a second
constexpr double kPacketBits = 1'200.0 * 8;
constexpr Duration kResponse = std::chrono::milliseconds(100);
constexpr Duration kAgainMin = std::chrono::milliseconds(10);
constexpr Duration kAgainMax = std::chrono::milliseconds(200);
constexpr double kRateMin = 5'000.0;

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void LinkCapacity::add(double bps, double weight) {
  const double kbps = bps / 1'000;
  mean_kbps_ = mean_kbps_ ? (1 - weight) * *mean_kbps_ + weight * kbps : kbps;
  const double error = *mean_kbps_ - kbps;
  variance_ = (1 - weight) * variance_ + weight * error * error / std::max(*mean_kbps_, 1.0);
  variance_ = std::clamp(variance_, kVarianceMin, kVarianceMax);
}

double LinkCapacity::deviation_kbps() const { return std::sqrt(variance_ * *mean_kbps_); }

std::optional<double> LinkCapacity::mean_bps() const {
  if (!mean_kbps_) return std::nullopt;
  return *mean_kbps_ * 1'000;
}

double LinkCapacity::upper_bps() const {
  if (!mean_kbps_) return std::numeric_limits<double>::infinity();
  return (*mean_kbps_ + kDeviations * deviation_kbps()) * 1'000;
}

double LinkCapacity::lower_bps() const {
  if (!mean_kbps_) return 0;
  return std::max(0.0, *mean_kbps_ - kDeviations * deviation_kbps()) * 1'000;
}

bool DelayEstimator::may_decrease(std::optional<double> acknowledged_bps, TimePoint now) const {
  if (!was_decreased_) return true;
  if (now - decreased_at_ >= std::clamp(round_trip_, kAgainMin, kAgainMax)) return true;
  return acknowledged_bps && *acknowledged_bps < rate_bps_ / 2;
}

void DelayEstimator::decrease(std::optional<double> acknowledged_bps, TimePoint now) {
  double rate = kBackoff * acknowledged_bps.value_or(rate_bps_);
  if (rate > kBackoffSpare) rate -= kBackoffSpare;
  if (rate > rate_bps_ && capacity_.mean_bps()) rate = kBackoff * *capacity_.mean_bps();
  if (acknowledged_bps) {
    if (*acknowledged_bps < capacity_.lower_bps() || *acknowledged_bps > capacity_.upper_bps()) {
      capacity_.reset();
    }
    capacity_.on_overuse(*acknowledged_bps);
  }
  is_lowered_ = rate < rate_bps_;
  rate_bps_ = std::max(kRateMin, std::min(rate, rate_bps_));
  state_ = State::kHold;
  changed_at_ = decreased_at_ = now;
  was_decreased_ = true;
}

// One packet more for each response time. libwebrtc takes the mean packet of the flow: whoever
// comes late to a full path then has small ones, and gains more slowly than those whom it should
// catch up.
double DelayEstimator::additive_bps_per_second() const {
  return std::max(kAdditiveMin, kPacketBits / seconds(2 * (round_trip_ + kResponse)));
}

void DelayEstimator::increase(std::optional<double> acknowledged_bps, TimePoint now) {
  if (acknowledged_bps && *acknowledged_bps > capacity_.upper_bps()) capacity_.reset();
  const double passed =
      changed_at_ == TimePoint{} ? 0 : std::clamp(seconds(now - changed_at_), 0.0, 1.0);
  double rate = rate_bps_;
  if (capacity_.mean_bps()) {
    rate += additive_bps_per_second() * passed;
  } else {
    rate += std::max(rate_bps_ * (std::pow(kGrowth, passed) - 1), passed > 0 ? kGrowthMin : 0);
  }
  if (acknowledged_bps) {
    rate = std::min(rate, kAcknowledgedMost * *acknowledged_bps + kAcknowledgedSpare);
  }
  rate_bps_ = std::max(rate_bps_, rate);
  changed_at_ = now;
}

void DelayEstimator::update(PathUse use, std::optional<double> acknowledged_bps,
                            bool is_application_limited, TimePoint now) {
  is_lowered_ = false;
  switch (use) {
    case PathUse::kOver:
      if (may_decrease(acknowledged_bps, now)) decrease(acknowledged_bps, now);
      return;
    case PathUse::kUnder:  // a queue empties: what it held arrives too
      state_ = State::kHold;
      changed_at_ = now;
      return;
    case PathUse::kNormal:
      if (state_ != State::kIncrease) {
        state_ = State::kIncrease;
        changed_at_ = now;
      }
      if (is_application_limited) {
        changed_at_ = now;
        return;
      }
      increase(acknowledged_bps, now);
      return;
  }
}

void DelayEstimator::on_probe(double bps, TimePoint now) {
  capacity_.on_probe(bps);
  rate_bps_ = std::max(kRateMin, bps);
  changed_at_ = now;
  state_ = State::kIncrease;
}

}  // namespace simpul::bwe
