#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/prefetch.h"
#include "base/time.h"
#include "bwe/packet_result.h"
#include "rtp/transport_feedback.h"
#include "rtp/types.h"

namespace simpul::bwe {

// Remembers what was sent under which transport-wide sequence number, and matches it with what the
// receiver reports (draft-holmer-rmcat-transport-wide-cc-extensions-01). A packet that was reported
// lost may still be reported as received; what was received is forgotten. What a report says about
// packets that were never sent, or too long ago, means nothing; but a number between those that
// were sent is known to have been left out, and who says that it came lies.
class SendHistory {
 public:
  // Older packets are not matched any more.
  static constexpr Duration kAge = std::chrono::seconds(2);
  // Entries of eight bytes; the history grows from the first to the last as `kAge` needs it.
  static constexpr size_t kSizeMin = 256;
  static constexpr size_t kSizeMax = 4'096;
  static constexpr size_t kNextFetched = 8;  // about a frame

  void on_sent(rtp::SequenceNumber transport_sequence, size_t size, ProbeId probe, TimePoint now);

  // Where the next packets are noted; see base/prefetch.h.
  void prefetch() const {
    if (!entries_.empty()) {
      const size_t next = static_cast<size_t>(next_) & (entries_.size() - 1);
      simpul::prefetch(&entries_[next], sizeof(Entry) * kNextFetched);
    }
  }

  // Appends the results of the packets that the message speaks of, in the order of their numbers.
  // False when the message is not well-formed.
  bool on_feedback(const rtp::TransportFeedback& message, TimePoint now,
                   std::vector<PacketResult>& results);

  // The same of reports in any order, by a clock with that period.
  void on_reports(std::span<NumberReport> reports, Duration clock_period, TimePoint now,
                  std::vector<PacketResult>& results);

  // Whether the last message was not about the packets right behind those of the one before: a
  // report was lost on its way.
  bool missed_report() const { return missed_report_; }
  size_t size() const { return entries_.size(); }  // of the ring
  // How often the receiver said that a packet came under a number that was left out.
  uint32_t false_reports() const { return false_reports_; }

 private:
  // The receiver's wrapping clock, continued.
  struct ReceiverClock {
    std::optional<Duration> last;  // as the receiver said it
    Duration time{};               // and continued

    Duration unwrap(Duration reported, Duration period);
  };
  enum class State : uint8_t { kNone, kHole, kInFlight, kLost };
  struct Entry {
    uint32_t sent_us = 0;  // the low 32 bits: kAge is far less
    uint16_t size = 0;
    ProbeId probe;
    State state = State::kNone;
  };

  Entry& entry_of(int64_t number) {
    return entries_[static_cast<size_t>(number) & (entries_.size() - 1)];
  }
  // The first number that may be in the ring.
  int64_t first_kept() const {
    return std::max<int64_t>(next_ - static_cast<int64_t>(entries_.size()), 0);
  }
  Duration age_of(const Entry& entry, TimePoint now) const;
  void make_room(TimePoint now);
  bool is_any_awaited(int64_t begin, int64_t end);
  // What `came` is told at that time, or did not come.
  void take(int64_t number, bool came, Duration reported, ReceiverClock& clock,
            Duration clock_period, TimePoint now, std::vector<PacketResult>& results);

  std::vector<Entry> entries_;   // a ring, by number; its size is a power of two
  int64_t next_ = -1;            // one after the last that was sent; negative: nothing was
  int64_t reported_until_ = -1;  // one after the last number that a message spoke of
  bool missed_report_ = false;
  uint32_t false_reports_ = 0;
  ReceiverClock clock_;
  std::vector<rtp::ReportedArrival> arrivals_;  // scratch
};

}  // namespace simpul::bwe
