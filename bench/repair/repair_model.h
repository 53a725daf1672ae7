#pragma once

#include <cstdint>

#include "base/time.h"
#include "bench/impairment/path.h"

namespace simpul::repair {

// A stream of video over a path that loses, towards a receiver as libwebrtc's is: it asks for what
// is missing at once and again after each round trip, shows a frame so long after it came first
// as the wait for one retransmission makes it, but no more than 200 ms longer, and shows none
// before those that it refers to.
struct Options {
  Duration round_trip{};
  double loss = 0;   // of each datagram, either way
  double burst = 0;  // mean length of the runs of losses; 0: each for itself
  double share = 0;  // parity packets for each packet
  double bps = 1'500'000;
  uint64_t seed = 1;
  Duration length = std::chrono::seconds(600);
};

struct Result {
  double missing = 0;        // of the packets, when their frame was to be shown
  double late = 0;           // of the frames: not shown in time
  double overhead = 0;       // parity packets for each packet, as it was
  double retransmitted = 0;  // for each packet
};

Result run(const Options& options);

}  // namespace simpul::repair
