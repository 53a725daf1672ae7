#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "relay/clock_mapping.h"

namespace simpul::relay {

// When the packets of a layer's last key frame and what followed leave for a slot that begins with
// them: some times as fast as they came, in small bursts, until the slot has caught up with the
// publisher. A frame that leaves early gets the timestamp of a live one that leaves at that moment,
// so that its receiver sees no delay that it would have to get rid of again.
class Replay {
 public:
  static constexpr int64_t kSpeedMax = 4;  // times as fast as they came
  static constexpr int64_t kSpeedMin = 2;
  static constexpr size_t kBurst = 10;                                // packets that leave at once
  static constexpr Duration kPause = std::chrono::milliseconds(5);    // between two bursts
  static constexpr Duration kStepMin = std::chrono::milliseconds(1);  // between two looks
  // Where it has not caught up so long after it should have, the rest leaves at once.
  static constexpr Duration kOverdue = std::chrono::milliseconds(500);
  // So long behind its end nothing of it comes late, or is in the history any more.
  static constexpr Duration kLateMax = std::chrono::seconds(3);

  struct Plan {
    int64_t first_number = 0;  // of the key frame
    uint32_t first_timestamp = 0;
    uint32_t clock_rate = 90'000;
    int64_t age = 0;  // of the key frame: ticks
    TimePoint begun{};
    int64_t speed = kSpeedMax;
  };
  explicit Replay(const Plan& plan)
      : plan_(plan), next_(plan.first_number), at_(plan.begun), end_(due(live_from())) {}

  // The publisher's timestamp from which on frames leave as they come.
  uint32_t live_from() const {
    const int64_t ahead = plan_.age * plan_.speed / (plan_.speed - 1);
    return plan_.first_timestamp + static_cast<uint32_t>(ahead);
  }

  int64_t speed() const { return plan_.speed; }
  // The number of the next packet.
  int64_t next() const { return next_; }
  // It is `now`: a burst may leave.
  void allow(TimePoint now) {
    at_ = now;
    is_overdue_ = now > end_ + kOverdue;
    left_ = is_overdue_ ? SIZE_MAX : kBurst;
  }
  // Whether the packet leaves now; it is taken as that.
  bool admit(int64_t number, uint32_t timestamp) {
    if (left_ == 0 || (due(timestamp) > at_ && !is_overdue_)) return false;
    --left_;
    next_ = number + 1;
    return true;
  }
  // Whether it is over when everything that there was has left: from then on all packets leave as
  // they come.
  bool has_caught_up() const { return left_ > 0 && at_ >= end_; }

  // When the next burst may leave: never before the last, so that nobody waits in vain.
  TimePoint next_burst(uint32_t timestamp) const {
    return left_ == 0 ? at_ + kPause : std::max(due(timestamp), at_ + kStepMin);
  }
  TimePoint next_burst() const { return std::max(end_, at_ + kStepMin); }  // none waits
  TimePoint late_until() const { return at_ + kLateMax; }

 private:
  TimePoint due(uint32_t timestamp) const {
    const int64_t ticks = static_cast<int32_t>(timestamp - plan_.first_timestamp);
    return plan_.begun + Duration(ticks * 1'000'000 / (plan_.clock_rate * plan_.speed));
  }

  Plan plan_;
  int64_t next_;
  TimePoint at_;  // of the last burst
  size_t left_ = 0;
  TimePoint end_;
  bool is_overdue_ = false;
};

}  // namespace simpul::relay
