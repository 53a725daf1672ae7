#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "tests/integration/live_node.h"

namespace simpul::testing {

// Does something that blocks on a thread of its own, while the node's guests go on on this one.
inline void run_beside(LiveNode& node, const std::function<void()>& task) {
  std::atomic<bool> over = false;
  const std::jthread thread([&] {
    task();
    over = true;
  });
  while (!over) node.run_until([&] { return over.load(); });
}

}  // namespace simpul::testing
