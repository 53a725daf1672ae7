#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "rtp/types.h"

namespace simpul::rtp {

// No RTCP leaves in a datagram larger than this.
inline constexpr size_t kRtcpSizeMax = 1200;

// One packet that a transport-wide feedback message reports as received. `time` is on the
// reporter's clock in steps of 250 µs and wraps every 2^24 * 64 ms (12 days): only differences
// mean something.
struct ReportedArrival {
  SequenceNumber transport_sequence;
  Duration time{};

  friend bool operator==(const ReportedArrival&, const ReportedArrival&) = default;
};

// A transport-wide congestion control message (draft-holmer-rmcat-transport-wide-cc-extensions-01
// §3.1), its head read, its chunks not yet.
struct TransportFeedback {
  Ssrc sender;
  Ssrc media;
  SequenceNumber base;
  uint16_t status_count = 0;    // how many numbers from `base` on the message speaks of
  uint32_t reference_time = 0;  // 24 bits, in 64 ms
  uint8_t feedback_count = 0;
  Bytes body;  // chunks and deltas

  // Appends what was received, by ascending number; what is missing among [base, base +
  // status_count) was lost. False (and nothing appended) when the body is not well-formed.
  // Takes at most one step per number, and gives at most one arrival per byte of the body.
  bool append_arrivals(std::vector<ReportedArrival>& arrivals) const;
};

// What a message that we write begins with.
struct FeedbackHead {
  Ssrc sender;
  Ssrc media;
  SequenceNumber base;
  uint8_t feedback_count = 0;
};

// How many numbers one message written by us speaks of at most.
inline constexpr size_t kFeedbackStatusesMax = 2048;

struct FeedbackWritten {
  size_t statuses = 0;  // how many of them the message holds
  size_t size = 0;      // in bytes, a multiple of 4
};

// Writes one message about consecutive numbers from `head.base` on; `arrivals` tells when each
// came, kNever for one that did not. Holds fewer than all when the room ends, or when two
// arrivals lie further apart than a delta can say (8.19 s); none when not even the first received
// one fits, or none was received.
FeedbackWritten write_transport_feedback(const FeedbackHead& head,
                                         std::span<const TimePoint> arrivals, MutableBytes room);

}  // namespace simpul::rtp
