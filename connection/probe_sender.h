#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "bwe/packet_result.h"
#include "bwe/probe_planner.h"

namespace simpul::connection {

// Sends probes at their rates, one after the other: says how much padding is due so that, with all
// that leaves anyway, the rate is kept, and to which probe a packet belongs. Sizes in bytes of
// datagrams.
class ProbeSender {
 public:
  // Where nothing of a probe could leave, it is tried again this much later.
  static constexpr Duration kStep = std::chrono::milliseconds(2);
  // After so many times its length a probe is over: there was nothing to send, or more than its
  // rate leaves anyway.
  static constexpr int kLengthsMax = 3;
  // Probes that wait; more are not sent.
  static constexpr size_t kWaitingMax = 4;

  // One that is only padding takes the place of the one before that has not begun.
  void add(const bwe::Probe& probe);
  // The path carries no more: nothing is left to find out.
  void forget() {
    waiting_.clear();
    began_.reset();
  }
  // How much padding is to leave now.
  size_t due(TimePoint now);
  TimePoint next_deadline() const { return waiting_.empty() ? kNever : next_; }

  // A packet leaves now; gives the probe that it belongs to, or none.
  bwe::ProbeId on_sent(size_t size) {
    if (!began_) return {};
    sent_ += size;
    ++packets_;
    next_ = *began_ + std::min(time_for(sent_), length_max());
    return waiting_.front().id;
  }

 private:
  void end();
  bool is_complete() const;
  // How long so many bytes take at the rate of the probe that is being sent.
  Duration time_for(size_t bytes) const;
  Duration length_max() const { return kLengthsMax * time_for(waiting_.front().bytes); }

  std::vector<bwe::Probe> waiting_;  // the first is being sent once it has begun
  std::optional<TimePoint> began_;
  TimePoint next_{};  // when the bytes that were sent have passed at its rate, or it is over
  size_t sent_ = 0;
  uint32_t packets_ = 0;
};

}  // namespace simpul::connection
