#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "rtp/types.h"

namespace simpul::rtp {

// What a peer says of one packet of one stream.
struct PacketReport {
  Ssrc ssrc;
  SequenceNumber sequence;
  // On the reporter's clock, which wraps every kCongestionClockPeriod: only differences mean
  // something. Nothing when it has not come.
  std::optional<Duration> arrived_at = {};

  friend bool operator==(const PacketReport&, const PacketReport&) = default;
};

inline constexpr Duration kCongestionClockPeriod = std::chrono::seconds(1 << 16);

// A message of RTP congestion control feedback (RFC 8888 §3.1), its report blocks not read yet.
struct CongestionFeedback {
  Ssrc sender;
  uint32_t timestamp = 0;  // when it was made, in 1/65,536 s
  Bytes blocks;

  // Appends what it says, stream by stream, in the order of the numbers. Left out is what came at
  // a time that is not told. False (and nothing appended) when the blocks are not well-formed.
  // Gives at most one report for two bytes. The marks of ECN are not read: we send none.
  bool append_reports(std::vector<PacketReport>& reports) const;
};

}  // namespace simpul::rtp
