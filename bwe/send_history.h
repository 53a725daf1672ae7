#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "bwe/packet_result.h"
#include "rtp/transport_feedback.h"
#include "rtp/types.h"

namespace simpul::bwe {

// Remembers what was sent under which transport-wide sequence number, and matches it with what the
// receiver reports (draft-holmer-rmcat-transport-wide-cc-extensions-01). A packet that was reported
// lost may still be reported as received; what was received is forgotten. What a report says about
// packets that were never sent, or too long ago, means nothing.
class SendHistory {
 public:
  // Older packets are not matched any more.
  static constexpr Duration kAge = std::chrono::seconds(2);
  // Entries of eight bytes; the history grows from the first to the last as `kAge` needs it.
  static constexpr size_t kSizeMin = 256;
  static constexpr size_t kSizeMax = 4'096;

  void on_sent(rtp::SequenceNumber transport_sequence, size_t size, ProbeId probe, TimePoint now);

  // Appends the results of the packets that the message speaks of, in the order of their numbers.
  // False when the message is not well-formed.
  bool on_feedback(const rtp::TransportFeedback& message, TimePoint now,
                   std::vector<PacketResult>& results);

  // Whether the last message was not about the packets right behind those of the one before: a
  // report was lost on its way.
  bool missed_report() const { return missed_report_; }

 private:
  // The receiver's wrapping clock, continued.
  struct ReceiverClock {
    std::optional<Duration> last;  // as the receiver said it
    Duration time{};               // and continued

    Duration unwrap(Duration reported);
  };
  enum class State : uint8_t { kNone, kInFlight, kLost };
  struct Entry {
    uint32_t sent_us = 0;  // the low 32 bits: kAge is far less
    uint16_t size = 0;
    ProbeId probe;
    State state = State::kNone;
  };

  Entry& entry_of(int64_t number) {
    return entries_[static_cast<size_t>(number) & (entries_.size() - 1)];
  }
  Duration age_of(const Entry& entry, TimePoint now) const;
  void make_room(TimePoint now);
  std::vector<Entry> entries_;   // a ring, by number; its size is a power of two
  int64_t next_ = -1;            // one after the last that was sent; negative: nothing was
  int64_t reported_until_ = -1;  // one after the last number that a message spoke of
  bool missed_report_ = false;
  ReceiverClock clock_;
  std::vector<rtp::ReportedArrival> arrivals_;  // scratch
};

}  // namespace simpul::bwe
