#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "rtp/rtcp_writer.h"
#include "rtp/transport_feedback.h"
#include "rtp/types.h"

namespace simpul::rtp {

// Collects when the packets of one transport came and reports it to their sender (draft-holmer-
// rmcat-transport-wide-cc-extensions-01). Each number is reported once, lost ones with the next
// that came; a packet that comes after it was reported lost is reported again, with those after
// it. What lies further back than kHistory is forgotten.
class TransportFeedbackBuilder {
 public:
  // Numbers that are remembered. A jump ahead by more starts anew without reporting the gap.
  static constexpr int64_t kHistory = 2048;
  static constexpr Duration kInterval = std::chrono::milliseconds(50);

  void on_packet(SequenceNumber transport_sequence, TimePoint arrival);

  // Appends the next message when one is due. Call again with a fresh writer until it says false:
  // what is due may need several datagrams.
  bool write_due(TimePoint now, Ssrc sender, Ssrc media, RtcpWriter& writer);

  TimePoint next_deadline() const { return deadline_; }  // kNever when all is reported

 private:
  TimePoint& arrival_of(int64_t number) {
    return arrivals_[static_cast<size_t>(number & (kHistory - 1))];
  }
  void restart(SequenceNumber transport_sequence);
  void advance_to(int64_t number);

  std::vector<TimePoint>
      arrivals_;                    // a ring, by number, from the first packet on; kNever: not here
  std::vector<TimePoint> pending_;  // what one message speaks of, unrolled
  int64_t next_ = 0;                // the first number that is not yet reported
  int64_t newest_ = 0;              // always one that came
  std::optional<SequenceNumber> expected_after_old_;  // RFC 3550 A.1: two in sequence restart
  TimePoint deadline_ = kNever;
  uint8_t feedback_count_ = 0;
  bool started_ = false;
};

}  // namespace simpul::rtp
