#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace simpul::rtp {

// NTP time (RFC 3550 §4): seconds since 1900 in the high 32 bits, their fraction in the low.
// Compact is the middle 32 bits: 16.16 seconds, as reports carry it.
constexpr uint32_t compact_ntp(uint64_t ntp_time) { return static_cast<uint32_t>(ntp_time >> 16); }

// Seconds from 1900, where NTP begins, to 1970.
inline constexpr std::chrono::seconds kNtpToUnix{2'208'988'800};

// A span of time in 1/65536 s, as reports carry delays; at most 2^16 s.
constexpr uint32_t to_compact(Duration span) {
  const int64_t most = 65'535'999'999;
  return static_cast<uint32_t>(std::clamp<int64_t>(span.count(), 0, most) * 65536 / 1'000'000);
}

constexpr Duration from_compact(uint32_t span) {
  return Duration(int64_t{span} * 1'000'000 / 65536);
}

// Turns the monotonic time into NTP time, by an offset that is fixed when the node starts: steps
// of the wall clock do not reach the reports.
class NtpClock {
 public:
  // `offset` is the NTP time, since 1900, at which the monotonic clock was 0.
  constexpr explicit NtpClock(Duration offset) : offset_(offset) {}

  constexpr uint64_t ntp_time(TimePoint now) const {
    const auto since_1900 = static_cast<uint64_t>((now.time_since_epoch() + offset_).count());
    const uint64_t seconds = since_1900 / 1'000'000;
    return seconds << 32 | ((since_1900 % 1'000'000) << 32) / 1'000'000;
  }

 private:
  Duration offset_;
};

inline constexpr Duration kRoundTripMax = std::chrono::seconds(2);

// The round trip that a report block tells (RFC 3550 §6.4.1): now minus LSR minus DLSR, all
// compact. Clamped to 0 and kRoundTripMax; nothing without a sender report (LSR 0), and nothing
// when it would be more than kRoundTripNonsense or less than its negative.
inline constexpr Duration kRoundTripNonsense = std::chrono::seconds(10);
std::optional<Duration> round_trip(uint32_t now_compact, uint32_t last_sender_report,
                                   uint32_t delay_since_last_sender_report);

}  // namespace simpul::rtp
