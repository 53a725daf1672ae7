#pragma once

#include <bitset>
#include <cstdint>
#include <deque>
#include <optional>

#include "rtp/types.h"

namespace simpul::relay {

// Gives each packet of one layer its number in the feed: packets that are not forwarded (padding
// alone) leave no hole, lost ones do, and a packet that comes late finds its place. No number is
// given twice, whatever the publisher sends: it becomes the index of a cipher.
class FeedNumbering {
 public:
  // A longer gap, or another SSRC, begins a new generation: nobody repairs so much.
  static constexpr int64_t kGapMax = 1'000;
  // How far back a late packet may belong.
  static constexpr int64_t kLateMax = 1'024;
  // Runs of packets left out that are remembered for the late ones between them.
  static constexpr size_t kRunsMax = 64;

  struct Result {
    std::optional<int64_t> number{};  // nothing: it is not forwarded
    bool too_old = false;             // or came already
    bool new_generation = false;      // what went before has no relation to it
  };

  // Whether the packet is newer than all that came, rather than late.
  bool is_newest(rtp::Ssrc ssrc, rtp::SequenceNumber sequence_number) const;
  // Whether the packet begins a generation.
  bool is_unrelated(rtp::Ssrc ssrc, rtp::SequenceNumber sequence_number) const;

  // `empty`: a packet without payload. In its turn it is left out; late, it fills its place.
  // What comes next has no relation to what came: it begins a generation.
  void begin_anew() { started_ = false; }

  Result take(rtp::Ssrc ssrc, rtp::SequenceNumber sequence_number, bool empty);

 private:
  // The packets first to last were left out; `before` had been, ahead of them.
  struct Run {
    int64_t first;
    int64_t last;
    int64_t before;
  };

  void begin_generation(rtp::Ssrc ssrc, rtp::SequenceNumber sequence_number);
  void advance_to(int64_t sequence);
  Result take_late(int64_t sequence);
  void leave_out(int64_t sequence);
  int64_t left_out_before(int64_t sequence) const;

  bool started_ = false;
  rtp::Ssrc ssrc_;
  int64_t newest_ = 0;     // sequence number, unwrapped
  int64_t forgotten_ = 0;  // what is not above it has no place
  int64_t offset_ = 0;     // number = sequence + offset_ - left out before it
  int64_t left_out_ = 0;
  int64_t number_max_ = 0;
  std::deque<Run> runs_;
  std::bitset<kLateMax> seen_;  // by sequence modulo its size
};

}  // namespace simpul::relay
