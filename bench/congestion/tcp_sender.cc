#include "bench/congestion/tcp_sender.h"

#include <algorithm>
#include <cmath>

#include "bench/congestion/bottleneck.h"

namespace simpul::congestion {
namespace {

constexpr double kReduced = 0.7;
constexpr double kCubic = 0.4;
constexpr double kReno = 3 * (1 - kReduced) / (1 + kReduced);
constexpr double kGrowthMax = 1.5;  // in a round trip
constexpr uint64_t kReordered = 3;
constexpr double kTimeoutSpare = 0.2;  // seconds, above the round trip
constexpr double kTimeoutFirst = 1;
constexpr double kPatienceMax = 64;
constexpr double kWindowMin = 2;

}  // namespace

std::optional<uint64_t> TcpSender::take(Duration now) {
  if (unsent_ == 0 || static_cast<double>(in_flight_.size()) >= std::floor(window_)) {
    return std::nullopt;
  }
  --unsent_;
  in_flight_.emplace(next_, now);
  return next_++;
}

void TcpSender::measure(Duration round_trip) {
  const double sample = seconds(round_trip);
  patience_ = 1;
  if (!round_trip_) {
    round_trip_ = sample;
    deviation_ = sample / 2;
    return;
  }
  deviation_ += (std::abs(sample - *round_trip_) - deviation_) / 4;
  *round_trip_ += (sample - *round_trip_) / 8;
}

Duration TcpSender::timeout() const {
  if (!round_trip_) return duration_of(patience_ * kTimeoutFirst);
  return duration_of(patience_ * (*round_trip_ + std::max(4 * deviation_, kTimeoutSpare)));
}

// By one acknowledged packet.
void TcpSender::grow(Duration now) {
  if (window_ < threshold_) {
    ++window_;
    return;
  }
  if (!epoch_) {
    epoch_ = now;
    window_max_ = std::max(window_max_, window_);
    window_reno_ = window_;
  }
  const double inflection = std::cbrt(window_max_ * (1 - kReduced) / kCubic);
  const double time = seconds(now - *epoch_) + round_trip_.value_or(0) - inflection;
  const double target = kCubic * time * time * time + window_max_;
  window_reno_ += kReno / window_;
  const double wanted = std::clamp(target, window_, kGrowthMax * window_);
  window_ = std::max(window_ + (wanted - window_) / window_, window_reno_);
}

// Once for all that was lost of one window.
void TcpSender::reduce(uint64_t lost, Duration now) {
  if (lost < reduced_before_) return;
  reduced_before_ = next_;
  window_max_ = window_;
  window_ = threshold_ = std::max(kReduced * window_, kWindowMin);
  window_reno_ = window_;
  epoch_ = now;
}

void TcpSender::on_acknowledged(uint64_t number, Duration now) {
  const auto packet = in_flight_.find(number);
  if (packet == in_flight_.end()) return;  // it only came very late
  const bool was_full = static_cast<double>(in_flight_.size()) + 1 >= std::floor(window_);
  measure(now - packet->second);
  in_flight_.erase(packet);
  if (was_full && number >= reduced_before_) grow(now);
  while (!in_flight_.empty() && in_flight_.begin()->first + kReordered <= number) {
    reduce(in_flight_.begin()->first, now);
    in_flight_.erase(in_flight_.begin());
    ++unsent_;
  }
}

void TcpSender::advance(Duration now) {
  if (in_flight_.empty() || now - in_flight_.begin()->second < timeout()) return;
  reduce(in_flight_.begin()->first, now);
  unsent_ += in_flight_.size();
  in_flight_.clear();
  window_ = 1;
  reduced_before_ = next_;
  patience_ = std::min(patience_ * 2, kPatienceMax);
}

}  // namespace simpul::congestion
