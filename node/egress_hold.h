#pragma once

#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace simpul::node {

// How long a worker keeps what it could send of a frame, for the rest of it to come: a message of
// many packets costs hardly more than a message of one, and a frame that leaves in two parts is two
// rounds over all who see it. A sender's burst comes within the least of that; the busier the
// worker is, the longer it waits, and never longer than the most. Where the rest does not come, a
// timer ends it, which counts in milliseconds.
inline constexpr Duration kEgressHoldMin = std::chrono::microseconds(300);
inline constexpr Duration kEgressHoldMax = std::chrono::milliseconds(3);

// `busy` is the share of its time that the worker did not wait for anything.
constexpr Duration egress_hold(double busy) {
  if (!(busy >= 0.5)) return kEgressHoldMin;
  const auto hold = kEgressHoldMax * (std::min(busy, 1.0) - 0.4);
  return std::max(kEgressHoldMin, std::chrono::duration_cast<Duration>(hold));
}

}  // namespace simpul::node
