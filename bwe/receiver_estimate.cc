#include "bwe/receiver_estimate.h"

#include <algorithm>

namespace simpul::bwe {
namespace {

constexpr double kFallen = 0.97;  // of what it said before
// Of what leaves, headers and all: one that falls becomes 0.85 of what arrives.
constexpr double kAllArrived = 0.85 * 0.9;
constexpr Duration kSecond = std::chrono::seconds(1);

}  // namespace

void ReceiverEstimate::on_sent(size_t bytes, TimePoint now) {
  last_sent_ = now;
  if (now - second_began_ >= 2 * kSecond) {
    second_bits_ = last_bits_ = 0;
    second_began_ = now;
  } else if (now - second_began_ >= kSecond) {
    former_bits_ = last_bits_;
    last_bits_ = second_bits_;
    second_bits_ = 0;
    second_began_ += kSecond;
  }
  second_bits_ += static_cast<double>(bytes) * 8;
}

double ReceiverEstimate::sent_bps() const { return std::min(last_bits_, former_bits_); }

void ReceiverEstimate::on_estimate(double bps, TimePoint now) {
  if (!bps_) next_look_ = now + kStep;
  at_ = now;
  const bool has_fallen = !bps_ || bps < kFallen * *bps_;
  const bool is_tried = filling_since_ && wanted_bps_ > *bps_;
  const double sent = sent_bps();
  const bool all_arrived = bps >= kAllArrived * sent && (sent > 0 || !bps_);
  if (has_fallen && !is_tried && all_arrived) return take_burst(bps, now);
  bps_ = bps;
  burst_at_.reset();
  if (!has_fallen) return;
  fallen_at_ = now;
  if (filling_since_) return hold_back(now);
  held_until_ = std::max(held_until_, now + kAfterFall);
}

// All that left has arrived: what waited was a key frame, or a layer's first frames. The estimate
// that was before counts until it has had time to grow again.
void ReceiverEstimate::take_burst(double bps, TimePoint now) {
  if (!burst_at_ && bps_) burst_at_ = now;
  if (!burst_at_ || now - *burst_at_ > kBurstFor) bps_ = bps;
}

void ReceiverEstimate::hold_back(TimePoint now) {
  filling_since_.reset();
  held_until_ = now + hold_;
  hold_ = std::min(2 * hold_, kHoldMax);
}

std::optional<double> ReceiverEstimate::fill(TimePoint now) {
  if (now < next_look_) return std::nullopt;
  next_look_ = now + kStep;
  if (!is_limit(now)) filling_since_.reset();
  if (!is_limit(now) || now < held_until_) return std::nullopt;
  if (wanted_bps_ > *bps_) {
    if (!filling_since_) filling_since_ = now;
    goal_bps_ = wanted_bps_;
    fill_until_ = now + kUntilItCame;
  }
  if (!filling_since_) return std::nullopt;
  if (now - *filling_since_ > kFillMax) {
    hold_back(now);
    return std::nullopt;
  }
  if (now > fill_until_) {
    filling_since_.reset();
    hold_ = kHoldMin;
    return std::nullopt;
  }
  return std::min(*bps_, goal_bps_);
}

}  // namespace simpul::bwe
