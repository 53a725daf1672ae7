#include "bench/congestion/remb_receiver.h"

#include <algorithm>
#include <cmath>

namespace simpul::congestion {
namespace {

constexpr double kHeaders = 34;  // with extensions and tag
constexpr double kGroupMs = 5;
constexpr double kBurstMs = 5;
constexpr double kIntervalMs = 500;
constexpr double kWindowMs = 1'000;
constexpr double kResponseMs = 300;

double milliseconds_of(Duration time) { return static_cast<double>(time.count()) / 1'000; }

}  // namespace

void RembReceiver::filter(double arrival_delta, double sent_delta, double size_delta) {
  ++deltas_;
  auto& e = covariance_;
  e[0][0] += 1e-13;
  e[1][1] += 1e-3;
  if ((use_ == Use::kOver && offset_ < former_offset_) ||
      (use_ == Use::kUnder && offset_ > former_offset_)) {
    e[1][1] += 1e-2;
  }
  const double residual = arrival_delta - sent_delta - slope_ * size_delta - offset_;
  if (use_ == Use::kNormal) {
    const double most = 3 * std::sqrt(noise_);
    const double beta = std::pow(deltas_ > 300 ? 0.998 : 0.99, sent_delta * 30 / 1'000);
    const double bounded = std::clamp(residual, -most, most);
    noise_mean_ = beta * noise_mean_ + (1 - beta) * bounded;
    noise_ = std::max(beta * noise_ + (1 - beta) * std::pow(noise_mean_ - bounded, 2), 1.0);
  }
  const double eh0 = e[0][0] * size_delta + e[0][1];
  const double eh1 = e[1][0] * size_delta + e[1][1];
  const double sum = noise_ + size_delta * eh0 + eh1;
  const double k0 = eh0 / sum;
  const double k1 = eh1 / sum;
  const double e00 = e[0][0];
  const double e01 = e[0][1];
  e[0][0] = e00 * (1 - k0 * size_delta) - e[1][0] * k0;
  e[0][1] = e01 * (1 - k0 * size_delta) - e[1][1] * k0;
  e[1][0] = e[1][0] * (1 - k1) - e00 * k1 * size_delta;
  e[1][1] = e[1][1] * (1 - k1) - e01 * k1 * size_delta;
  former_offset_ = offset_;
  slope_ += k0 * residual;
  offset_ += k1 * residual;
}

void RembReceiver::detect(double sent_delta, double now) {
  if (deltas_ < 2) return;
  const double value = std::min(deltas_, 60) * offset_;
  if (value > threshold_) {
    over_for_ = over_for_ < 0 ? sent_delta / 2 : over_for_ + sent_delta;
    ++over_times_;
    if (over_for_ > 10 && over_times_ > 1 && offset_ >= detected_offset_) {
      over_times_ = 0;
      over_for_ = 0;
      use_ = Use::kOver;
    }
  } else {
    over_times_ = 0;
    over_for_ = -1;
    use_ = value < -threshold_ ? Use::kUnder : Use::kNormal;
  }
  detected_offset_ = offset_;
  const double passed = threshold_at_ < 0 ? 0 : std::min(now - threshold_at_, 100.0);
  threshold_at_ = now;
  if (std::abs(value) > threshold_ + 15) return;
  const double k = std::abs(value) < threshold_ ? 0.039 : 0.0087;
  threshold_ = std::clamp(threshold_ + k * (std::abs(value) - threshold_) * passed, 6.0, 600.0);
}

void RembReceiver::add_to_groups(double sent, double arrived, double size) {
  if (!group_) {
    group_ = Group{.first_sent = sent, .last_sent = sent};
  } else {
    if (sent < group_->first_sent) return;
    const double step = sent - group_->last_sent;
    const double arrival_step = arrived - group_->arrived;
    const bool is_burst =
        std::round(step) == 0 || (arrival_step - step < 0 && arrival_step <= kBurstMs);
    if (!is_burst && sent - group_->first_sent > kGroupMs) {
      if (former_) {
        const double sent_delta = group_->last_sent - former_->last_sent;
        filter(group_->arrived - former_->arrived, sent_delta, group_->size - former_->size);
        detect(sent_delta, arrived);
      }
      former_ = group_;
      group_ = Group{.first_sent = sent, .last_sent = sent};
    } else {
      group_->last_sent = std::max(group_->last_sent, sent);
    }
  }
  group_->size += size;
  group_->arrived = arrived;
}

std::optional<double> RembReceiver::throughput(double now) {
  while (!arrived_.empty() && arrived_.front().first <= now - kWindowMs) arrived_.pop_front();
  const double window = std::min(now - first_arrived_ + 1, kWindowMs);
  if (window <= 1) return std::nullopt;
  double bits = 0;
  for (const auto& [when, size] : arrived_) bits += size;
  return bits * 1'000 / window;
}

double RembReceiver::grown(double now) const {
  const double passed = changed_at_ < 0 ? 0 : now - changed_at_;
  if (!is_near_maximum_) {
    return rate_ + std::max((std::pow(1.08, std::min(passed, 1e3) / 1e3) - 1) * rate_, 1e3);
  }
  const double frame = rate_ / 30;
  const double packet = frame / std::ceil(frame / 9'600);
  return rate_ + passed * std::max(4e3, packet * 1e3 / kResponseMs) / 1e3;
}

std::optional<double> RembReceiver::update(std::optional<double> throughput, double now) {
  if (!has_begun_ && throughput) {
    if (measured_from_ < 0) measured_from_ = now;
    if (now - measured_from_ > 3'000) {
      rate_ = *throughput;
      has_begun_ = true;
    }
  }
  if (!has_begun_ && use_ != Use::kOver) return std::nullopt;
  measured_ = throughput.value_or(measured_);
  const double kbps = measured_ / 1'000;
  const double sigma = maximum_kbps_ ? std::sqrt(maximum_variance_ * *maximum_kbps_) : 0;
  double rate = rate_;
  if (use_ == Use::kOver) {
    if (maximum_kbps_ && kbps < *maximum_kbps_ - 3 * sigma) maximum_kbps_.reset();
    maximum_kbps_ = maximum_kbps_ ? 0.95 * *maximum_kbps_ + 0.05 * kbps : kbps;
    const double off = std::pow(*maximum_kbps_ - kbps, 2) / std::max(1.0, *maximum_kbps_);
    maximum_variance_ = std::clamp(0.95 * maximum_variance_ + 0.05 * off, 0.4, 2.5);
    is_near_maximum_ = true;
    rate = 0.85 * measured_;
    changed_at_ = now;
    state_ = State::kHold;
  } else {
    if (use_ == Use::kUnder) state_ = State::kHold;
    if (use_ == Use::kNormal && state_ == State::kHold) {
      changed_at_ = now;
      state_ = State::kIncrease;
    }
    if (state_ == State::kIncrease) {
      if (maximum_kbps_ && kbps >= *maximum_kbps_ + 3 * sigma) {
        is_near_maximum_ = false;
        maximum_kbps_.reset();
      }
      rate = grown(now);
      changed_at_ = now;
    }
  }
  rate_ = std::min(rate, std::max(1.5 * measured_ + 10'000, rate_));
  return rate_;
}

std::optional<double> RembReceiver::on_packet(Duration sent_at, Duration arrived_at, size_t size) {
  // The clock of the extension, and that of a receiver in whole milliseconds.
  const double sent = std::floor(milliseconds_of(sent_at) * 262.144) / 262.144;
  const double now = std::floor(milliseconds_of(arrived_at));
  if (first_arrived_ < 0) first_arrived_ = now;
  const double payload = static_cast<double>(size) - kHeaders;
  arrived_.emplace_back(now, payload * 8);
  add_to_groups(sent, now, payload);
  if (said_at_ >= 0 && now - said_at_ <= kIntervalMs && use_ != Use::kOver) return std::nullopt;
  const auto rate = update(throughput(now), now);
  if (rate) said_at_ = now;
  return rate;
}

}  // namespace simpul::congestion
