#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace simpul::bwe {

// How long packets wait in queues on the path: their one-way delay above the smallest of the last
// seconds. The clocks of both ends need not agree, only run about equally fast.
class QueueDelay {
 public:
  // The smallest is forgotten after one to two of these: a path may have become longer for good.
  static constexpr Duration kMemory = std::chrono::seconds(10);

  void add(TimePoint sent_at, Duration arrived_at, TimePoint now) {
    const Duration delay = arrived_at - sent_at.time_since_epoch();
    if (now >= turn_at_) {
      former_min_ = current_min_;
      current_min_.reset();
      turn_at_ = now + kMemory;
    }
    current_min_ = current_min_ ? std::min(*current_min_, delay) : delay;
    former_min_ = former_min_ ? former_min_ : current_min_;
    value_ = delay - std::min(*current_min_, *former_min_);
  }

  // Of the last packet.
  Duration value() const { return value_; }

 private:
  Duration value_{0};
  std::optional<Duration> current_min_;
  std::optional<Duration> former_min_;
  TimePoint turn_at_{};
};

}  // namespace simpul::bwe
