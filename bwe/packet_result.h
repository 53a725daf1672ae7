#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/strong_id.h"
#include "base/time.h"
#include "rtp/types.h"

namespace simpul::bwe {

// Names the packets of one probe; zero is no probe.
using ProbeId = StrongId<struct ProbeIdTag, uint8_t>;

// What became of one packet that was sent.
struct PacketResult {
  TimePoint sent_at;
  // On the receiver's clock, of which only differences mean something; nothing when it was lost.
  std::optional<Duration> arrived_at = {};
  uint32_t size = 0;  // in bytes, with RTP header and authentication tag
  ProbeId probe = {};
  bool was_lost = false;            // by an earlier report; it came after all
  rtp::SequenceNumber number = {};  // transport-wide
};

// What a receiver says of the packet that was sent under a transport-wide number, where it does
// not say so by that number.
struct NumberReport {
  rtp::SequenceNumber number;
  std::optional<Duration> arrived_at = {};  // on a clock that wraps; nothing when it was lost
};

}  // namespace simpul::bwe
