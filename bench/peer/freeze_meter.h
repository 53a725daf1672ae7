#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace simpul::peer {

// How steadily frames come. Frozen is what browsers call so: the next frame comes max(3 x mean,
// mean + 150 ms) after the last one or later, where the mean is that of the last 30 intervals. What
// never moves again is frozen, too: end() takes the time since the last frame for such an interval.
class FreezeMeter {
 public:
  static constexpr Duration kFrozenAfter = std::chrono::milliseconds(150);
  // At the end, of a stream that has had too few frames to have a mean.
  static constexpr Duration kFrozenAtOnce = std::chrono::seconds(1);

  struct Counts {
    uint64_t freezes = 0;
    Duration frozen{};  // in all of these, from the last frame to the next
    Duration longest_gap{};
    Duration last_gap{};  // that no frame ended; known at the end
  };

  void frame(TimePoint now);
  // What comes from now on counts no more; nothing has begun before the first frame.
  void end(TimePoint now);
  // Counts from zero, from the last frame on.
  void reset();

  const Counts& counts() const { return counts_; }
  std::optional<TimePoint> last_frame_at() const { return last_frame_at_; }

 private:
  static constexpr size_t kIntervals = 30;
  static constexpr size_t kIntervalsMin = 5;

  std::optional<Duration> mean() const;
  void count(Duration gap, std::optional<Duration> frozen_from);

  std::optional<TimePoint> last_frame_at_;
  std::array<uint32_t, kIntervals> intervals_us_{};
  size_t interval_count_ = 0;
  uint64_t interval_sum_us_ = 0;
  bool ended_ = false;
  Counts counts_;
};

}  // namespace simpul::peer
