#pragma once

#include <chrono>
#include <functional>

#include "net/event_loop.h"

namespace simpul::testing {

// Only ends a hang: however slow the machine is, what goes on at all comes to its end before.
inline constexpr Duration kHang = std::chrono::minutes(1);

// Runs the loop until `done`, which is asked again and again. False after kHang.
inline bool run_until(net::EventLoop& loop, const std::function<bool()>& done,
                      Duration between = std::chrono::milliseconds(1)) {
  if (done()) return true;
  const TimePoint limit = net::EventLoop::clock_now() + kHang;
  bool result = false;
  net::Timer timer(loop, [&] {
    result = done();
    if (result || net::EventLoop::clock_now() > limit) return loop.stop();
    timer.set(net::EventLoop::clock_now() + between);
  });
  timer.set(net::EventLoop::clock_now());
  loop.run();
  return result;
}

}  // namespace simpul::testing
