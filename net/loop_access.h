#pragma once

#include <uv.h>

#include "net/event_loop.h"

namespace simpul::net {

// What the sources of this folder, and nobody else, may see of a loop.
struct LoopAccess {
  static uv_loop_t* loop(EventLoop& event_loop);
  // The next now() reads the clock again.
  static void forget_time(EventLoop& event_loop) { event_loop.forget_time(); }
};

}  // namespace simpul::net
