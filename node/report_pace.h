#pragma once

#include <algorithm>
#include <cstddef>

#include "base/time.h"

namespace simpul::node {

// Spreads the reports of many connections over the interval in which all of them are due, so that
// no turn of the loop has more than a few to make. Counts only.
class ReportPace {
 public:
  static constexpr size_t kSliceMax = 64;  // in one go
  static constexpr size_t kSliceMin = 16;  // worth a wake-up

  // A round of `count` begins; it ends within three quarters of `interval`, if it is asked in time.
  void begin(size_t count, TimePoint now, Duration interval) {
    count_ = count;
    reported_ = 0;
    began_ = now;
    spread_ = std::max(interval * 3 / 4, Duration(1));
    running_ = true;
  }

  // Takes how many are to be reported now. The round is over with the last of them.
  size_t take(TimePoint now) {
    if (!running_) return 0;
    const auto elapsed = std::clamp<Duration>(now - began_, Duration::zero(), spread_);
    const size_t due =
        count_ * static_cast<size_t>(elapsed.count()) / static_cast<size_t>(spread_.count());
    const size_t taken = std::min(due - std::min(due, reported_), kSliceMax);
    reported_ += taken;
    if (reported_ == count_) running_ = false;
    return taken;
  }

  bool running() const { return running_; }
  // When a slice is due; kNever between rounds.
  TimePoint next_deadline() const {
    if (!running_) return kNever;
    if (count_ == 0) return began_;
    const size_t next = std::min(reported_ + kSliceMin, count_);
    const auto parts = static_cast<int64_t>(count_);
    return began_ + (spread_ * static_cast<int64_t>(next) + Duration(parts - 1)) / parts;
  }

 private:
  bool running_ = false;
  size_t count_ = 0;
  size_t reported_ = 0;
  TimePoint began_{};
  Duration spread_{1};
};

}  // namespace simpul::node
