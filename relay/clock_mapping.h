#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace simpul::relay {

// A difference of NTP times (RFC 3550 §4) in 1/2^32 s, and spans of time as such.
constexpr int64_t ntp_span(Duration span) {
  constexpr int64_t kSecond = 1'000'000;
  return span.count() / kSecond * (int64_t{1} << 32) +
         span.count() % kSecond * (int64_t{1} << 32) / kSecond;
}

// An RTP clock is faster than this in no codec; with kSpanMax it keeps ticks_of() in 64 bits.
inline constexpr uint32_t kClockRateMax = 1'000'000;
inline constexpr Duration kSpanMax = std::chrono::hours(1);

// Ticks of an RTP clock in an NTP span, rounded. Longer ones than kSpanMax are nonsense and are
// cut.
constexpr int64_t ticks_of(int64_t span, uint32_t clock_rate) {
  const int64_t most = ntp_span(kSpanMax);
  const int64_t cut = std::clamp(span, -most, most);
  const int64_t fraction = cut & 0xFFFF'FFFF;
  return (cut >> 32) * clock_rate + ((fraction * clock_rate + 0x8000'0000) >> 32);
}
constexpr int64_t ticks_of(Duration span, uint32_t clock_rate) {
  return std::clamp(span, -kSpanMax, kSpanMax).count() * clock_rate / 1'000'000;
}

// The node's clock: the NTP time of a moment of the monotonic clock.
struct WallClock {
  TimePoint at{};
  uint64_t ntp = 0;

  uint64_t ntp_time(TimePoint now) const { return ntp + static_cast<uint64_t>(ntp_span(now - at)); }
};

// What a publisher's sender report says of one layer: the RTP timestamp of a moment of the
// publisher's own clock.
struct ClockMapping {
  uint64_t ntp_time = 0;
  uint32_t rtp_timestamp = 0;

  // When `timestamp` was, in NTP time.
  uint64_t ntp_of(uint32_t timestamp, uint32_t clock_rate) const {
    const int64_t ticks = static_cast<int32_t>(timestamp - rtp_timestamp);
    return ntp_time + static_cast<uint64_t>(ticks * (int64_t{1} << 32) / clock_rate);
  }
  uint32_t timestamp_at(uint64_t ntp, uint32_t clock_rate) const {
    const auto span = static_cast<int64_t>(ntp - ntp_time);
    return rtp_timestamp + static_cast<uint32_t>(ticks_of(span, clock_rate));
  }
};

// Carries one participant's clock over to the node's. All tracks of the participant share the one
// offset, so what belonged together stays together: browsers align audio and video by the sender
// reports. It follows the participant's clock only when that has gone astray.
class ParticipantClock {
 public:
  static constexpr Duration kAstray = std::chrono::milliseconds(500);

  // A sender report that told `theirs` arrived when the node's clock showed `ours`.
  void observe(uint64_t theirs, uint64_t ours) {
    const uint64_t offset = ours - theirs;
    const int64_t change = offset_ ? static_cast<int64_t>(offset - *offset_) : 0;
    if (!offset_ || change > ntp_span(kAstray) || change < -ntp_span(kAstray)) offset_ = offset;
  }
  // What the participant's clock shows when the node's shows `ours`.
  std::optional<uint64_t> theirs(uint64_t ours) const {
    if (!offset_) return std::nullopt;
    return ours - *offset_;
  }
  // How far it is ahead of the node's, as an NTP span.
  std::optional<int64_t> ahead() const {
    if (!offset_) return std::nullopt;
    return static_cast<int64_t>(0 - *offset_);
  }

 private:
  std::optional<uint64_t> offset_;
};

}  // namespace simpul::relay
