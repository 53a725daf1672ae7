#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "base/time.h"
#include "rtp/ntp_time.h"

namespace simpul::connection {

// The round trip to a peer, of what there is: how long it took to answer a flight of the handshake
// at first, then receiver reports (RFC 3550 §6.4.1) and retransmissions that answer a request.
// Smoothed as in RFC 6298 §2. A peer can make all of it up, so it is held between kMin and kMax:
// timers rely on it.
class RoundTrip {
 public:
  static constexpr Duration kMin = std::chrono::milliseconds(1);
  static constexpr Duration kMax = rtp::kRoundTripMax;

  void add(Duration sample) {
    sample = std::clamp(sample, kMin, kMax);
    value_ = is_measured_ ? (*value_ * 7 + sample) / 8 : sample;
    is_measured_ = true;
  }

  // A flight that is repeated is not measured: nobody knows which one was answered.
  void on_flight_sent(TimePoint now) {
    sent_at_ = is_waiting_ ? std::nullopt : std::optional(now);
    is_waiting_ = true;
  }
  void on_flight_received(TimePoint now) {
    is_waiting_ = false;
    const auto sent_at = std::exchange(sent_at_, std::nullopt);
    // With the time that the peer took to compute: good enough until there is better.
    if (sent_at && !is_measured_) value_ = std::clamp(now - *sent_at, kMin, kMax);
  }

  std::optional<Duration> value() const { return value_; }

 private:
  std::optional<Duration> value_;
  bool is_measured_ = false;
  bool is_waiting_ = false;
  std::optional<TimePoint> sent_at_;
};

}  // namespace simpul::connection
