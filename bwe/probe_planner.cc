#include "bwe/probe_planner.h"

#include <algorithm>
#include <cmath>

namespace simpul::bwe {
namespace {

constexpr double kFirst = 3.0;
constexpr double kSecond = 6.0;
constexpr double kFurther = 2.0;
constexpr double kFurtherResult = 0.7;
constexpr double kPeriodic = 2.0;
constexpr double kSpare = 1.15;       // above what is wanted: a result is a little below its probe
constexpr double kWorthWhile = 1.05;  // what lies closer is found without a probe
constexpr double kBackoff = 1.5;      // of the interval, after a probe that found nothing
constexpr double kDrop = 0.66;
constexpr double kAfterDrop = 0.85;
constexpr Duration kAfterSuccess = std::chrono::milliseconds(100);
constexpr Duration kAfterDropWithin = std::chrono::seconds(5);
constexpr Duration kAfterDropWait = std::chrono::seconds(1);

}  // namespace

void ProbePlanner::add(double bps, TimePoint now, std::vector<Probe>& probes) {
  bps = std::min({bps, kBpsMax, kSpare * wanted_bps_.value_or(kBpsMax)});
  if (bps < estimate_bps_ * kWorthWhile) return;
  if (++last_id_ == 0) ++last_id_;
  const double seconds = std::chrono::duration<double>(kLength).count();
  probes.push_back(
      {.id = ProbeId(last_id_),
       .bps = bps,
       .bytes = std::max(static_cast<uint32_t>(std::ceil(bps * seconds / 8)), kBytesMin),
       .packets = kPackets});
  further_above_bps_ = bps * kFurtherResult;
  answer_until_ = now + kAnswerMax;
  probed_from_bps_ = estimate_bps_;
  next_at_ = now + interval_;
}

void ProbePlanner::start(double bps, TimePoint now, std::vector<Probe>& probes) {
  if (has_started_) return;
  has_started_ = true;
  estimate_bps_ = bps;
  next_at_ = now + interval_;
  add(kFirst * bps, now, probes);
  add(kSecond * bps, now, probes);
}

void ProbePlanner::on_estimate(double bps, bool by_probe, TimePoint now,
                               std::vector<Probe>& probes) {
  estimate_bps_ = bps;
  if (!by_probe || !further_above_bps_ || now > answer_until_ || bps <= *further_above_bps_) return;
  further_above_bps_.reset();
  if (bps < probed_from_bps_ * kWorthWhile) return;
  // There was more: what is wanted next is tried for soon.
  interval_ = kIntervalMin;
  next_at_ = std::min(next_at_, now + kAfterSuccess);
  add(kFurther * bps, now, probes);
}

void ProbePlanner::on_drop(double former_bps, TimePoint now) {
  // Who sends all that the path carries finds the way up without, and would only push others off
  // it.
  if (!is_application_limited_ && !wanted_bps_) return;
  if (estimate_bps_ >= kDrop * former_bps) return;
  dropped_from_bps_ = former_bps;
  dropped_at_ = now;
}

void ProbePlanner::advance(TimePoint now, std::vector<Probe>& probes) {
  if (!has_started_) return;
  if (dropped_from_bps_ && now >= dropped_at_ + kAfterDropWait) {
    if (now < dropped_at_ + kAfterDropWithin) add(kAfterDrop * *dropped_from_bps_, now, probes);
    dropped_from_bps_.reset();
    return;
  }
  if (now < next_at_) return;
  next_at_ = now + interval_;
  // Layers leave a part of the estimate unused, and what is not used does not grow.
  if (!is_application_limited_ && !wanted_bps_) return;
  // The last one found nothing: the next one waits longer.
  if (probed_from_bps_ > 0 && estimate_bps_ < probed_from_bps_ * kWorthWhile) {
    const auto longer =
        Duration(static_cast<int64_t>(static_cast<double>(interval_.count()) * kBackoff));
    interval_ = std::min(longer, kIntervalMax);
  } else {
    interval_ = kIntervalMin;
  }
  add(kPeriodic * estimate_bps_, now, probes);
}

void ProbePlanner::postpone(TimePoint now) {
  dropped_from_bps_.reset();
  if (next_at_ <= now) next_at_ = now + interval_;
}

TimePoint ProbePlanner::next_deadline() const {
  if (!has_started_) return kNever;
  return dropped_from_bps_ ? std::min(next_at_, dropped_at_ + kAfterDropWait) : next_at_;
}

}  // namespace simpul::bwe
