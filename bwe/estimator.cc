#include "bwe/estimator.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace simpul::bwe {
namespace {

// A sender is application-limited when it sends less than this share of the target, by a budget
// that fills at that rate and holds half a second of it.
constexpr double kBudgetRate = 0.65;
constexpr double kBudgetSeconds = 0.5;
constexpr double kEnterAt = 0.80;  // of the budget unused
constexpr double kLeaveAt = 0.50;
// After a drop the queue that it left is emptied in about this time.
constexpr Duration kDrainTime = std::chrono::milliseconds(700);
constexpr Duration kDrainFor = std::chrono::seconds(3);
constexpr Duration kContestedFor = std::chrono::seconds(30);
// Between two reports; what they say of a queue belongs together.
constexpr Duration kQueueGap = std::chrono::seconds(1);
constexpr Duration kDrainAbove = std::chrono::milliseconds(40);
constexpr double kDrainMin = 0.4;  // of what arrives
constexpr Duration kProbeEcho = std::chrono::milliseconds(400);
// A sender of layers fills the path with that share of what was found to fit.
constexpr double kFilled = 0.9;
// A burst is more than the target carries in that time.
constexpr double kBurstSeconds = 0.035;
constexpr Duration kBurstEcho = std::chrono::milliseconds(600);
constexpr double kNarrow = 0.95;       // what loss allows, of what delay does
constexpr double kNarrowed = 0.6;      // of what arrived
constexpr double kLossMin = 0.02;      // that says something of the path
constexpr double kGuessGrowth = 1.08;  // a second
constexpr Duration kGuessMaxStep = std::chrono::seconds(1);
constexpr Duration kShortQueue = std::chrono::milliseconds(30);
constexpr Duration kBurstQueueMax = std::chrono::milliseconds(150);
constexpr Duration kFullQueue = std::chrono::milliseconds(100);

std::optional<double> bps_of(std::optional<uint64_t> bps) {
  if (!bps) return std::nullopt;
  return static_cast<double>(*bps);
}

}  // namespace

Estimator::Estimator(const EstimatorConfig& config)
    : config_(config), delay_(config.start_bps), target_bps_(config.start_bps) {}

void Estimator::on_sent(rtp::SequenceNumber transport_sequence, size_t size, TimePoint now,
                        ProbeId probe) {
  history_.on_sent(transport_sequence, size, probe, now);
  silence_.on_sent(now);
  note_sent_rate(size, now);
}

void Estimator::judge_application_limit(TimePoint now) {
  const double full = target_bps_ * kBudgetRate * kBudgetSeconds;
  if (budget_at_ != TimePoint{}) {
    const double passed = std::chrono::duration<double>(now - budget_at_).count();
    budget_bits_ += std::max(passed, 0.0) * target_bps_ * kBudgetRate;
    burst_bits_ = std::max(burst_bits_ - passed * target_bps_, 0.0);
  }
  budget_at_ = now;
  budget_bits_ = std::clamp(budget_bits_, -full, full);
  if (budget_bits_ > kEnterAt * full) is_application_limited_ = true;
  if (budget_bits_ < kLeaveAt * full) is_application_limited_ = false;
  planner_.set_application_limited(is_application_limited_);
}

void Estimator::note_sent_rate(size_t size, TimePoint now) {
  judge_application_limit(now);
  budget_bits_ -= static_cast<double>(size) * 8;
  burst_bits_ += static_cast<double>(size) * 8;
  if (burst_bits_ > kBurstSeconds * target_bps_) burst_at_ = now;
}

void Estimator::add_results(TimePoint now) {
  const ProbeResults::Losses losses{.own = loss_.own_loss(), .present = loss_.average_loss()};
  acknowledged_.add(results_);
  for (const PacketResult& result : results_) {
    if (!result.arrived_at) continue;
    queue_.add(result.sent_at, *result.arrived_at, now);
    if (const auto delta = groups_.add(result.sent_at, *result.arrived_at, now)) {
      trendline_.add(*delta);
    }
    if (result.probe == ProbeId()) continue;
    probing_at_ = now;
    if (const auto bps = probe_results_.add(result, losses)) probed_bps_ = bps;
  }
}

// Whether the queue is another's, which giving way does not empty: what becomes shorter is our own,
// and what a pause in the reports left says nothing.
void Estimator::note_queue(TimePoint now) {
  const bool is_gap = now - std::exchange(queue_noted_at_, now) > kQueueGap;
  if (queue_.value() < kDrainAbove) {
    queued_since_.reset();
    return;
  }
  if (!queued_since_ || is_gap || queue_.value() < queued_most_ / 2) {
    queued_since_ = now;
    queued_most_ = queue_.value();
  }
  queued_most_ = std::max(queued_most_, queue_.value());
  if (now - *queued_since_ > kDrainFor) contested_at_ = now;
}

bool Estimator::on_feedback(const rtp::TransportFeedback& message, TimePoint now,
                            std::vector<Probe>& probes) {
  results_.clear();
  if (!history_.on_feedback(message, now, results_)) return false;
  take_results(now, probes);
  return true;
}

void Estimator::on_reports(std::span<NumberReport> reports, Duration clock_period, TimePoint now,
                           std::vector<Probe>& probes) {
  results_.clear();
  history_.on_reports(reports, clock_period, now, results_);
  take_results(now, probes);
}

void Estimator::take_results(TimePoint now, std::vector<Probe>& probes) {
  probed_bps_.reset();
  if (is_deceived()) {
    target_bps_ = config_.min_bps;
    acknowledged_bps_ = 0;
    return;
  }
  if (history_.missed_report()) missed_report_at_ = now;
  if (results_.empty()) return;
  silence_.on_report(now);
  if (!std::exchange(has_results_, true)) first_result_at_ = now;
  judge_application_limit(now);
  add_results(now);
  note_queue(now);
  acknowledged_bps_ = bps_of(acknowledged_.bits_per_second());
  loss_.add(results_);
  const bool by_probe = take_probe(now);
  if (!by_probe) update_delay(now);
  guess(now);
  loss_.update({.delay_bps = delay_.rate_bps(),
                .acknowledged_bps = acknowledged_bps_,
                .is_application_limited = is_application_limited_},
               now);
  set_target(by_probe, now, probes);
}

// Whether a probe had a result, which is then the rate.
bool Estimator::take_probe(TimePoint now) {
  if (!probed_bps_) return false;
  has_probed_ = true;
  const bool is_full = trendline_.use() == PathUse::kOver;
  // Where others are in the queue too, a probe only gets its share: it may say that there is more,
  // and that there is less only when nothing else was sent.
  const double least = is_application_limited_ || is_full ? 0 : delay_.rate_bps();
  const double bps = std::max({*probed_bps_, least, is_full ? 0 : acknowledged_bps_.value_or(0)});
  delay_.on_probe(bps, now);
  if (!is_full) loss_.on_probe(bps);
  return true;
}

// What a probe left in the queue is no sign that the path is too narrow for what is sent otherwise.
// Where layers are sent, which grow by no estimate, neither is a short queue, nor what a key frame
// left, nor any but a long one while far less is sent than was found to fit: what arrives is then
// no measure. A path that became narrow makes the queue a long one at once, out of which less comes
// than before.
bool Estimator::is_own_queue(double used, bool has_narrowed, TimePoint now) const {
  if (queue_.value() >= kBurstQueueMax || has_narrowed) return false;
  if (now - probing_at_ < kProbeEcho) return true;
  return sends_layers() &&
         (now - burst_at_ < kBurstEcho || used < kBudgetRate || queue_.value() < kShortQueue);
}

// A queue of many packets, out of which far less comes than was sent a moment ago.
bool Estimator::has_narrowed() const {
  const auto busy = acknowledged_.busy_bits_per_second(queue_.value());
  return busy && acknowledged_bps_ && static_cast<double>(*busy) < kNarrowed * *acknowledged_bps_;
}

void Estimator::update_delay(TimePoint now) {
  // More may be sent than was ever estimated, and what arrives fits.
  if (acknowledged_bps_ && !knows_path(now)) delay_.on_arriving(*acknowledged_bps_);
  PathUse use = trendline_.use();
  // The slope of the delays is a matter of many packets, and this shows earlier.
  const bool narrowed = use != PathUse::kUnder && has_narrowed();
  if (narrowed) use = PathUse::kOver;
  // What the path loses by itself took its place on it, or will in the queue of the next hop.
  const double passing = 1 - loss_.own_loss();
  bool may_grow = !is_application_limited_;
  const double used = acknowledged_bps_.value_or(0) / passing / delay_.rate_bps();
  // Between layers only probes show that there is more.
  if (planner_.has_wanted()) may_grow = may_grow && used > kFilled;
  if (use == PathUse::kOver && is_own_queue(used, narrowed, now)) {
    use = PathUse::kNormal;
    may_grow = false;
  }
  // Where reports are missing, less seems to arrive than does.
  const bool is_complete =
      missed_report_at_ == TimePoint{} || now - missed_report_at_ > 2 * AcknowledgedRate::kRecent;
  if (use == PathUse::kOver && is_complete) {
    acknowledged_bps_ = bps_of(acknowledged_.dropped_bits_per_second(queue_.value()));
  }
  std::optional<double> sent_bps = acknowledged_bps_;
  if (sent_bps) *sent_bps /= passing;
  delay_.update(use, sent_bps, !may_grow, now);
  if (!delay_.is_lowered()) return;
  lowered_at_ = now;
  narrow_at_ = now;
}

// Layers leave a part of the estimate unused, and what is not used does not grow: where nothing can
// be probed for, only trying shows whether the next one fits.
void Estimator::guess(TimePoint now) {
  const Duration passed = std::min(now - std::exchange(guessed_at_, now), kGuessMaxStep);
  if (planner_.has_started() || !narrow_at_ || now - *narrow_at_ <= kNarrowFor) return;
  const double guessed =
      delay_.rate_bps() * std::pow(kGuessGrowth, std::chrono::duration<double>(passed).count());
  delay_.on_arriving(std::min(guessed, kGuessMax * acknowledged_bps_.value_or(0)));
  loss_.on_probe(delay_.rate_bps());
}

bool Estimator::knows_path(TimePoint now) const {
  if (is_deceived() || is_silent(now)) return true;
  if (!has_results_) return own_.is_limit(now);
  if (remb_bps_ && now - remb_at_ <= kRembAge) return true;
  if (has_probed_ && now - first_result_at_ >= kFirstProbes) return true;
  if (!narrow_at_) return false;
  if (now - *narrow_at_ <= kNarrowFor) return true;
  return !planner_.has_started() && target_bps_ < kGuessMax * acknowledged_bps_.value_or(0);
}

bool Estimator::is_draining(TimePoint now) const {
  return acknowledged_bps_ && lowered_at_ != TimePoint{} && now - lowered_at_ <= kDrainFor &&
         queued_since_ && (!contested_at_ || now - *contested_at_ > kContestedFor) &&
         !(sends_layers() && burst_at_ > lowered_at_ + kBurstEcho);
}

bool Estimator::is_full(TimePoint now) const {
  return queue_.value() >= kFullQueue && lowered_at_ != TimePoint{} &&
         now - lowered_at_ <= kDrainFor;
}

std::optional<double> Estimator::draining_bps(TimePoint now) const {
  if (!is_draining(now) && !is_full(now)) return std::nullopt;
  return std::clamp(delay_.rate_bps(), config_.min_bps, config_.max_bps);
}

// A share of what arrives, until the queue behind a drop is gone. One that others keep full is not
// emptied by giving way: they take what is left to them.
double Estimator::drained(double bps, TimePoint now) const {
  if (!is_draining(now)) return bps;
  const double share = 1 - std::chrono::duration<double>(queue_.value()) / kDrainTime;
  return std::min(bps, std::max(share, kDrainMin) * *acknowledged_bps_);
}

// Their packets will be told apart from others when they are reported.
void Estimator::note_planned(std::span<const Probe> probes) {
  for (const Probe& probe : probes) {
    probe_results_.on_planned(probe.id, probe.bytes, probe.packets);
  }
}

void Estimator::set_target(bool by_probe, TimePoint now, std::vector<Probe>& probes) {
  const double former_bps = target_bps_;
  double bps = std::min(delay_.rate_bps(), loss_.limit_bps().value_or(delay_.rate_bps()));
  if (bps < kNarrow * delay_.rate_bps() && loss_.average_loss() > kLossMin &&
      !is_application_limited_) {
    narrow_at_ = now;
  }
  if (remb_bps_ && now - remb_at_ <= kRembAge) bps = std::min(bps, *remb_bps_);
  target_bps_ = std::clamp(drained(bps, now), config_.min_bps, config_.max_bps);
  const size_t before = probes.size();
  planner_.on_estimate(target_bps_, by_probe, now, probes);
  planner_.on_drop(former_bps, now);
  note_planned(std::span(probes).subspan(before));
}

void Estimator::on_remb(double bps, TimePoint now) {
  if (is_deceived()) return;
  remb_bps_ = std::max(bps, config_.min_bps);
  remb_at_ = now;
  if (!has_results_) {
    silence_.on_report(now, ReportSilence::kAfterOwn);
    own_.on_estimate(*remb_bps_, now);
  }
  const double limit = has_results_ ? std::min(target_bps_, *remb_bps_) : own_.bps();
  target_bps_ = std::clamp(limit, config_.min_bps, config_.max_bps);
}

// At the rate that the receiver says, whatever of that are media.
void Estimator::fill(TimePoint now, std::vector<Probe>& probes) {
  const auto bps = own_.fill(now);
  if (!bps || !config_.may_fill || is_silent(now)) return;
  const double seconds = std::chrono::duration<double>(ReceiverEstimate::kStep).count();
  probes.push_back(
      {.id = {}, .bps = *bps, .bytes = static_cast<uint32_t>(*bps * seconds / 8), .packets = 1});
}

// Where no media are left to send, a packet now and then lets the receiver show that it is there.
void Estimator::remind(TimePoint now, std::vector<Probe>& probes) {
  planner_.postpone(now);
  const bool has_padding = planner_.has_started() || config_.may_fill;
  if (!silence_.is_mutual(now) || !has_padding) return;
  add_single(probes);
}

// It is over when its packet has left, at whatever rate media are sent.
void Estimator::add_single(std::vector<Probe>& probes) {
  probes.push_back({.id = {}, .bps = config_.max_bps, .bytes = 1, .packets = 1});
}

void Estimator::advance(TimePoint now, std::vector<Probe>& probes) {
  if (is_deceived()) return;
  silence_.on_look(now);
  const bool is_single_due = single_at_ <= now;
  if (is_single_due) single_at_ = now + config_.single_each;
  fill(now, probes);
  if (is_silent(now)) return remind(now, probes);
  const size_t before = probes.size();
  judge_application_limit(now);
  if (config_.may_probe) planner_.start(config_.start_bps, now, probes);
  planner_.advance(now, probes);
  note_planned(std::span(probes).subspan(before));
  const bool has_singles = planner_.has_started() && config_.single_each > Duration::zero();
  if (has_singles && single_at_ == kNever) single_at_ = now + config_.single_each;
  if (is_single_due) add_single(probes);
}

}  // namespace simpul::bwe
