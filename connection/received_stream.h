#pragma once

#include <optional>

#include "base/time.h"
#include "connection/media_config.h"
#include "rtp/nack_tracker.h"
#include "rtp/receive_statistics.h"
#include "rtp/types.h"

namespace simpul::connection {

// One SSRC of a publisher, from its first authenticated packet on.
struct ReceivedStream {
  rtp::Ssrc ssrc;
  LayerId id;
  bool is_rtx = false;
  rtp::ReceiveStatistics statistics;
  rtp::NackTracker gaps;    // of a primary stream: also tells a repair from a duplicate
  bool asks_again = false;  // NACK was negotiated
  TimePoint last_packet{};
  bool ended = false;  // it said BYE, and nothing since
};

}  // namespace simpul::connection
