#include "bwe/loss_estimator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace simpul::bwe {
namespace {

constexpr double kAgeing = 0.9;  // of an observation's weight, for each newer one
constexpr double kInherentMin = 0.001;
constexpr double kInherentOffset = 0.03;
constexpr double kInherentBalance = 75'000.0;  // bit/s
constexpr double kPreference = 0.0002;         // a kbit/s
constexpr double kLogPreference = 0.02;
constexpr double kPreferenceLossMax = 0.30;
constexpr double kPreferenceSmoothing = 0.002;
constexpr double kNewtonStep = 0.75;
constexpr double kInstantBalance = 75'000.0;
constexpr std::array kFactors = {1.02, 1.0, 0.95};
constexpr double kGrowthMax = 1.3;
constexpr Duration kGrowthWindow = std::chrono::milliseconds(300);
constexpr double kRampMost = 1.5;  // of what arrives
constexpr double kRampInHold = 1.2;
constexpr double kHoldLeft = 1.3;      // of the hold's rate: what arrives shows that it was too low
constexpr double kRelevant = 1.5;      // of the bandwidth, that was sent
constexpr double kDeviations = 2.0;    // of a share of packets, by chance
constexpr double kOwnSpare = 0.03;     // own loss is not the same at all times
constexpr double kOwnMin = 0.02;       // that explains anything
constexpr double kProbability = 1e-6;  // none is more certain

// By the number of observations that are newer.
constexpr auto kWeights = [] {
  std::array<double, LossEstimator::kObservations> weights{};
  double weight = 1;
  for (double& each : weights) {
    each = weight;
    weight *= kAgeing;
  }
  return weights;
}();

// Turns the preference round where losses are high already.
double turned(double preference, double loss) {
  const double distance = kPreferenceLossMax - loss;
  return preference * distance / (kPreferenceSmoothing + std::abs(distance));
}

}  // namespace

std::span<const LossEstimator::Observation> LossEstimator::observations() const {
  return std::span(observations_).first(std::min<uint64_t>(observed_, kObservations));
}

double LossEstimator::weight_of(const Observation& observation) const {
  return kWeights[observed_ - 1 - observation.number];
}

void LossEstimator::add(std::span<const PacketResult> results) {
  for (const PacketResult& result : results) {
    if (result.was_lost) {
      take_late(result);
      continue;
    }
    partial_.sent_bytes += result.size;
    ++partial_.packets;
    if (!result.arrived_at) {
      partial_.lost_bytes += result.size;
      ++partial_.lost_packets;
    }
    if (!partial_first_sent_) partial_first_sent_ = partial_last_sent_ = result.sent_at;
    partial_first_sent_ = std::min(*partial_first_sent_, result.sent_at);
    partial_last_sent_ = std::max(partial_last_sent_, result.sent_at);
  }
}

// It was counted when it was reported lost. What an observation that is complete says of it stays.
void LossEstimator::take_late(const PacketResult& result) {
  if (partial_.lost_packets < 1) return;
  --partial_.lost_packets;
  partial_.lost_bytes = std::max(partial_.lost_bytes - static_cast<double>(result.size), 0.0);
}

bool LossEstimator::complete_observation() {
  if (!partial_first_sent_) return false;
  const Duration duration = partial_last_sent_ - *partial_first_sent_;
  if (duration < kObservation) return false;
  partial_.sent_bps = partial_.sent_bytes * 8 / std::chrono::duration<double>(duration).count();
  partial_.number = observed_;
  // Who is sent nothing has none, and needs no room for them.
  if (observations_.empty()) observations_.resize(kObservations);
  observations_[observed_++ % kObservations] = partial_;
  partial_ = {};
  partial_first_sent_.reset();
  return true;
}

// What was lost while far more was sent than the channel is taken to carry now says nothing of it.
void LossEstimator::measure_loss() {
  const double relevant_bps = std::max(kRelevant * channel_->bps, newest_observation().sent_bps);
  double sent = 0;
  double lost = 0;
  double packets = 0;
  for (const Observation& observation : observations()) {
    if (observation.sent_bps > relevant_bps) continue;
    sent += weight_of(observation) * observation.sent_bytes;
    lost += weight_of(observation) * observation.lost_bytes;
    packets += weight_of(observation) * observation.packets;
  }
  average_loss_ = sent > 0 ? lost / sent : 0;
  packets = std::max(packets, 1.0);
  const double variance = std::max(average_loss_ * (1 - average_loss_), 1 / packets) / packets;
  certain_loss_ = std::max(average_loss_ - kDeviations * std::sqrt(variance), 0.0);
  possible_loss_ = std::min(average_loss_ + kDeviations * std::sqrt(variance), 1.0);
}

void LossEstimator::measure_own_loss(const Rates& rates) {
  const Observation& newest = newest_observation();
  const double received = newest.sent_bytes - newest.lost_bytes;
  own_loss_.add({.packets = newest.packets,
                 .lost = newest.lost_packets,
                 .received_bps = newest.sent_bps * received / std::max(newest.sent_bytes, 1.0),
                 .arriving_bps = rates.acknowledged_bps.value_or(0),
                 .is_application_limited = rates.is_application_limited});
  own_loss_.limit(possible_loss_);
}

// Whether all that is lost would be lost at any rate.
bool LossEstimator::is_own_loss() const {
  const double own = own_loss();
  return own > kOwnMin && certain_loss_ <= own + kOwnSpare;
}

// That is not for want of bandwidth.
double LossEstimator::allowed_loss() const {
  const auto own = own_loss_.value();
  return own ? *own + kOwnSpare : kInherentOffset;
}

double LossEstimator::inherent_loss_max(double bps) const {
  const double most = allowed_loss() + kInherentBalance / std::max(bps, 1.0);
  return std::clamp(most, kInherentMin, 1.0);
}

double LossEstimator::loss_of(const Channel& channel, double sent_bps) const {
  double loss = channel.inherent_loss;
  if (sent_bps > channel.bps) loss += (1 - loss) * (sent_bps - channel.bps) / sent_bps;
  return std::clamp(loss, kProbability, 1 - kProbability);
}

// One step of Newton's method on the likelihood, along the inherent loss.
void LossEstimator::improve(Channel& channel) const {
  double first = 0;
  double second = 0;
  for (const Observation& observation : observations()) {
    const double loss = loss_of(channel, observation.sent_bps);
    const double lost = observation.lost_bytes;
    const double received = observation.sent_bytes - lost;
    const double weight = weight_of(observation);
    first += weight * (lost / loss - received / (1 - loss));
    second -= weight * (lost / (loss * loss) + received / ((1 - loss) * (1 - loss)));
  }
  if (second < 0) channel.inherent_loss -= kNewtonStep * first / second;
  channel.inherent_loss =
      std::clamp(channel.inherent_loss, kInherentMin, inherent_loss_max(channel.bps));
}

double LossEstimator::preference(double bps) const {
  const double kbps = bps / 1'000;
  return turned(kPreference, average_loss_) * kbps +
         turned(kLogPreference, average_loss_) * std::log(1 + kbps);
}

double LossEstimator::likelihood(const Channel& channel) const {
  const double preferred = preference(channel.bps);
  // Mostly no more was sent than the bandwidth: the same two logarithms for all.
  const double inherent = loss_of(channel, 0);
  const double log_inherent = std::log(inherent);
  const double log_kept = std::log(1 - inherent);
  double sum = 0;
  for (const Observation& observation : observations()) {
    const bool is_above = observation.sent_bps > channel.bps;
    const double loss = is_above ? loss_of(channel, observation.sent_bps) : inherent;
    const double log_loss = is_above ? std::log(loss) : log_inherent;
    const double log_received = is_above ? std::log(1 - loss) : log_kept;
    const double lost = observation.lost_bytes;
    const double received = observation.sent_bytes - lost;
    sum += weight_of(observation) *
           (lost * log_loss + received * log_received + preferred * observation.sent_bytes);
  }
  return sum;
}

LossEstimator::Channel LossEstimator::choose(const Rates& rates) const {
  Channel best = *channel_;
  double best_likelihood = -std::numeric_limits<double>::infinity();
  const auto consider = [&](double bps) {
    Channel candidate{.bps = std::min(bps, rates.delay_bps),
                      .inherent_loss = channel_->inherent_loss};
    improve(candidate);
    const double value = likelihood(candidate);
    if (value <= best_likelihood) return;
    best = candidate;
    best_likelihood = value;
  };
  for (const double factor : kFactors) consider(channel_->bps * factor);
  if (rates.acknowledged_bps && !rates.is_application_limited) consider(*rates.acknowledged_bps);
  consider(rates.delay_bps);
  return best;
}

double LossEstimator::instant_limit_bps() const {
  const double excess = certain_loss_ - allowed_loss();
  return excess > 0 ? kInstantBalance / excess : std::numeric_limits<double>::infinity();
}

// While loss is the limit it rises in small windows, and not far above what arrives.
void LossEstimator::limit_growth(Channel& best, const Rates& rates, TimePoint now) const {
  const double former = channel_->bps;
  if (best.bps <= former) return;
  if (now - window_began_ < kGrowthWindow) best.bps = std::min(best.bps, window_bps_);
  if (rates.acknowledged_bps && !is_own_loss()) {
    const double arriving = *rates.acknowledged_bps;
    const bool is_held = hold_bps_ > 0 && arriving < kHoldLeft * hold_bps_;
    best.bps = std::min(best.bps, (is_held ? kRampInHold : kRampMost) * arriving);
  }
  best.bps = std::max(best.bps, former);
}

void LossEstimator::begin_window(TimePoint now) {
  if (state_ == State::kNone || now - window_began_ < kGrowthWindow) return;
  window_began_ = now;
  window_bps_ = channel_->bps * kGrowthMax;
}

void LossEstimator::set_limit(double bps, const Rates& rates, TimePoint now) {
  if (bps >= rates.delay_bps) {
    state_ = State::kNone;
    hold_ = kHoldMin;
    hold_until_ = {};
    hold_bps_ = 0;
  } else if (state_ == State::kFalling && now < hold_until_ && !is_own_loss()) {
    hold_bps_ = std::max(hold_bps_, rates.acknowledged_bps.value_or(0));
    limit_bps_ = std::min(bps, hold_bps_);
    return;
  } else if (state_ != State::kNone && bps > *limit_bps_) {
    state_ = State::kRising;
  } else {
    if (state_ != State::kFalling) {
      hold_until_ = now + hold_;
      hold_ = std::min(hold_ * 2, kHoldMax);
      hold_bps_ = bps;
    }
    state_ = State::kFalling;
  }
  limit_bps_ = bps;
}

void LossEstimator::update(const Rates& rates, TimePoint now) {
  if (!complete_observation()) {
    if (limit_bps_) {
      limit_bps_ =
          state_ == State::kNone ? rates.delay_bps : std::min(*limit_bps_, rates.delay_bps);
    }
    return;
  }
  if (observed_ < kObservationsNeeded) return;
  if (!channel_) channel_ = Channel{.bps = rates.delay_bps};
  measure_loss();
  measure_own_loss(rates);
  Channel best = choose(rates);
  // Where more is lost than the path loses by itself, more would be lost too.
  if (certain_loss_ > best.inherent_loss) best.bps = std::min(best.bps, channel_->bps);
  if (state_ != State::kNone) limit_growth(best, rates, now);
  best.bps = std::min(best.bps, instant_limit_bps());
  // What arrives is carried, whatever is lost.
  best.bps = std::max(best.bps, rates.acknowledged_bps.value_or(0));
  best.bps = std::min(best.bps, rates.delay_bps);
  channel_ = best;
  set_limit(best.bps, rates, now);
  begin_window(now);
}

void LossEstimator::on_probe(double bps) {
  if (!channel_) return;
  channel_->bps = std::max(channel_->bps, bps);
  limit_bps_ = channel_->bps;
  hold_until_ = {};
  hold_bps_ = 0;
}

}  // namespace simpul::bwe
