#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace simpul::node {

// How long a worker keeps what it could send, for the rest of a frame to come: a message of many
// packets costs hardly more than a message of one. A worker that is idle for most of its time sends
// at once; the busier another is, the longer it waits, and never longer than this.
inline constexpr Duration kEgressHoldMax = std::chrono::milliseconds(3);

// `busy` is the share of its time that the worker did not wait for anything.
constexpr Duration egress_hold(double busy) {
  if (!(busy >= 0.5)) return Duration::zero();
  return std::chrono::duration_cast<Duration>(kEgressHoldMax * (std::min(busy, 1.0) - 0.4));
}

}  // namespace simpul::node
