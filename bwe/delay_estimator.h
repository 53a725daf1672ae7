#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "bwe/trendline.h"

namespace simpul::bwe {

// Where the path's capacity was when it was last full: the mean and the spread of what was
// acknowledged then.
class LinkCapacity {
 public:
  void on_overuse(double bps) { add(bps, 0.05); }
  void on_probe(double bps) { add(bps, 0.5); }
  void reset() { mean_kbps_.reset(); }

  std::optional<double> mean_bps() const;
  double upper_bps() const;  // mean and three deviations; everything when it is not known
  double lower_bps() const;

 private:
  void add(double bps, double weight);
  double deviation_kbps() const;

  std::optional<double> mean_kbps_;
  double variance_ = 0.4;  // in kbit/s, normalised by the mean
};

// The rate at which queues on the path do not grow: multiplicatively or additively up, to a share
// of what arrives down (AIMD as in libwebrtc's Google congestion control).
class DelayEstimator {
 public:
  static constexpr double kBackoff = 0.85;
  static constexpr Duration kRoundTripMin = std::chrono::milliseconds(1);
  static constexpr Duration kRoundTripMax = std::chrono::seconds(10);

  explicit DelayEstimator(double start_bps) : rate_bps_(start_bps) {}

  void on_round_trip(Duration round_trip) {
    round_trip_ = std::clamp(round_trip, kRoundTripMin, kRoundTripMax);
  }
  // After each report with deltas. `acknowledged_bps` may not be known yet; where the sender had
  // less to send than it may, the rate only grows by probes.
  void update(PathUse use, std::optional<double> acknowledged_bps, bool is_application_limited,
              TimePoint now);
  void on_probe(double bps, TimePoint now);
  // So much arrives although nobody held what was sent to the rate.
  void on_arriving(double bps) { rate_bps_ = std::max(rate_bps_, bps); }

  double rate_bps() const { return rate_bps_; }
  // Whether the last update lowered the rate.
  bool is_lowered() const { return is_lowered_; }

 private:
  enum class State : uint8_t { kHold, kIncrease, kDecrease };

  void decrease(std::optional<double> acknowledged_bps, TimePoint now);
  void increase(std::optional<double> acknowledged_bps, TimePoint now);
  bool may_decrease(std::optional<double> acknowledged_bps, TimePoint now) const;
  double additive_bps_per_second() const;

  double rate_bps_;
  LinkCapacity capacity_;
  State state_ = State::kHold;
  Duration round_trip_ = std::chrono::milliseconds(200);
  TimePoint changed_at_{};
  TimePoint decreased_at_{};
  bool was_decreased_ = false;
  bool is_lowered_ = false;
};

}  // namespace simpul::bwe
