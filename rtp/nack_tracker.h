#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "rtp/types.h"

namespace simpul::rtp {

// What a packet was to the sequence it belongs to.
enum class Arrival : uint8_t {
  kNew,        // the newest so far
  kRecovered,  // filled a gap: repaired, or came out of order
  kDuplicate,  // was here before
  kTooOld,     // further back than can be told apart
};

// Decides which lost packets of one stream to ask for again, and when (RFC 4585 §6.2.1), and
// tells duplicates (a repair and its original may both come). Sends nothing: the caller turns
// what collect_due() appends into RTCP, at next_deadline().
class NackTracker {
 public:
  struct Limits {
    size_t missing_max = 1000;  // more: all are forgotten and a key frame is wanted
    int attempts_max = 10;
    Duration age_max = std::chrono::seconds(1);
    Duration reorder_tolerance = std::chrono::milliseconds(5);  // before the first asking
  };
  // A jump ahead by more, or two packets in sequence further back than this, start anew.
  static constexpr int64_t kJumpMax = 1000;
  static constexpr Duration kRetryMin = std::chrono::milliseconds(20);

  NackTracker() : NackTracker(Limits{}) {}
  explicit NackTracker(const Limits& limits) : limits_(limits) {}

  // Also for packets that a retransmission brought, with their original numbers.
  Arrival on_packet(SequenceNumber sequence_number, TimePoint now);

  // Whether it would take its place among what came, rather than start anew or be too old. A
  // retransmission of anything else repairs nothing.
  bool follows(SequenceNumber sequence_number) const {
    const int64_t ahead = unwrap_near(newest_, sequence_number) - newest_;
    return started_ && ahead <= kJumpMax && ahead > -kHistory;
  }

  // Retries wait max(kRetryMin, 1.5 round trips), a quarter longer each time.
  void set_round_trip(Duration round_trip) { round_trip_ = round_trip; }

  // Appends, in ascending order, every packet to ask for at `now`, and schedules its next
  // attempt. Returns how many packets are given up at `now` (asked for in vain too often or for
  // too long): for video, a reason to ask for a key frame.
  size_t collect_due(TimePoint now, std::vector<SequenceNumber>& due);

  // When a missing packet was asked for, if it was asked for just once: what brings it now answers
  // that request and tells the round trip.
  std::optional<TimePoint> asked_at(SequenceNumber sequence_number) const;

  // kNever when nothing is missing; may be early, never late.
  TimePoint next_deadline() const { return deadline_; }

  // True once after too much was missing to repair, or after a jump.
  bool wants_key_frame();

  size_t missing() const { return missing_.size(); }

 private:
  struct Missing {
    int64_t number;
    TimePoint since;
    TimePoint next_attempt;
    int attempts = 0;
    TimePoint asked{};  // last
  };
  static constexpr int64_t kHistory = 2048;  // numbers for which duplicates are told

  Arrival on_older(int64_t number);
  Arrival on_outdated(SequenceNumber sequence_number);
  void add_gap(int64_t number, TimePoint now);
  void restart(SequenceNumber sequence_number);
  void mark(int64_t number, bool received) {
    received_.set(static_cast<size_t>(number & (kHistory - 1)), received);
  }
  Duration retry_after(int attempts) const;

  Limits limits_;
  int64_t newest_ = 0;
  std::bitset<kHistory> received_;                    // by number; of the last kHistory
  std::vector<Missing> missing_;                      // by ascending number
  std::optional<SequenceNumber> expected_after_old_;  // RFC 3550 A.1: two in sequence restart
  Duration round_trip_ = std::chrono::milliseconds(100);
  TimePoint deadline_ = kNever;
  bool started_ = false;
  bool wants_key_frame_ = false;
};

}  // namespace simpul::rtp
