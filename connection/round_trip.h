#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"
#include "rtp/ntp_time.h"

namespace simpul::connection {

// The round trip to a peer, of what is authentic: how long the handshake's last answer took
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

  // What the handshake took, with the time that the peer needed to compute: good enough until there
  // is better.
  void begin(Duration handshake) {
    if (!is_measured_) value_ = std::clamp(handshake, kMin, kMax);
  }

  std::optional<Duration> value() const { return value_; }

 private:
  std::optional<Duration> value_;
  bool is_measured_ = false;
};

}  // namespace simpul::connection
