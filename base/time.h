#pragma once

#include <chrono>
#include <cstdint>

namespace simpul {

// The daemon's monotonic time. It has no now(): only net::EventLoop reads the
// clock and everything else is told the time, so tests run at their own pace.
struct MonotonicClock {
  using duration = std::chrono::microseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
};

using Duration = MonotonicClock::duration;
using TimePoint = MonotonicClock::time_point;

inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace simpul
