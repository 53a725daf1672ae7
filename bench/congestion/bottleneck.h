#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.h"

namespace simpul::congestion {

// A path whose capacity follows a schedule, with a drop-tail queue in front of it.
struct PathProfile {
  struct Step {
    Duration at{};
    double bps = 0;
  };
  std::vector<Step> capacity;
  Duration queue = std::chrono::milliseconds(300);
  double loss = 0;  // random, behind the queue
  Duration loss_from{};
  Duration loss_until = Duration::max();
  Duration jitter{};         // anything up to it, order kept
  double feedback_loss = 0;  // of reports on their way back
  // A policer drops what exceeds the capacity by this burst, without a queue.
  std::optional<double> policer_burst_bytes = {};
  // Behind the queue packets gather, and leave together each time that so much has passed: from,
  // to, anything in between. So does a busy radio.
  std::optional<std::pair<Duration, Duration>> gathering = {};
};

double seconds(Duration duration);
Duration duration_of(double seconds);

// What all who share a path wait for. Times are those since the beginning, and never go back.
class Bottleneck {
 public:
  explicit Bottleneck(const PathProfile& profile);

  const PathProfile& profile() const { return profile_; }
  double capacity(Duration now) const;  // bit/s
  // When a packet leaves that comes now; nothing: it is dropped.
  std::optional<Duration> cross(size_t size, Duration now);
  // When what leaves then gets away from who gathers; `random` is from 0 to 1.
  template <typename Random>
  Duration release(Duration left, Random random) {
    if (!profile_.gathering) return left;
    const auto& [least, most] = *profile_.gathering;
    while (released_at_ < left) {
      released_at_ += least + duration_of(random() * seconds(most - least));
    }
    return released_at_;
  }

 private:
  PathProfile profile_;
  Duration free_at_{};
  double tokens_;
  Duration tokens_at_{};
  Duration released_at_{};
};

}  // namespace simpul::congestion
