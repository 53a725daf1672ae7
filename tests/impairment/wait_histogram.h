#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "base/time.h"

namespace simpul::impairment {

// How long datagrams waited for the rate of a bottleneck, in whole milliseconds; what waited
// longer than all of these counts as the longest.
class WaitHistogram {
 public:
  static constexpr size_t kMillisecondsMax = 1'000;

  void add(Duration wait) {
    const auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(wait).count();
    ++counts_[std::min(static_cast<size_t>(whole), kMillisecondsMax)];
  }
  // The least wait that so much of the datagrams did not exceed; 0 where there were none.
  uint64_t milliseconds(double share) const {
    const uint64_t all = std::accumulate(counts_.begin(), counts_.end(), uint64_t{0});
    const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(all)));
    uint64_t seen = 0;
    for (size_t wait = 0; wait < counts_.size(); ++wait) {
      seen += counts_[wait];
      if (seen >= wanted) return wait;
    }
    return kMillisecondsMax;
  }

 private:
  std::array<uint64_t, kMillisecondsMax + 1> counts_{};
};

}  // namespace simpul::impairment
