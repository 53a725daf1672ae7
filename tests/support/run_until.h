#pragma once

#include <chrono>
#include <functional>

#include "net/event_loop.h"

namespace simpul::testing {

// Runs the loop until `done`, which is asked again and again. False after twenty seconds: they only
// end a hang.
inline bool run_until(net::EventLoop& loop, const std::function<bool()>& done,
                      Duration between = std::chrono::milliseconds(1)) {
  using namespace std::chrono_literals;
  if (done()) return true;
  const TimePoint limit = net::EventLoop::clock_now() + 20s;
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
