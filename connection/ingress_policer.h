#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace simpul::connection {

// Holds what a publisher sends on one m-line to a bit rate: a token bucket that a second fills, so
// that key frames pass. Small packets are charged as larger ones, because they cost the same here
// and at each viewer. Kept as the time until which the line has used up its rate.
class IngressPolicer {
 public:
  static constexpr size_t kHeaderSize = 28;  // of IPv4 and UDP
  static constexpr size_t kChargeMin = 200;
  static constexpr Duration kDepth = std::chrono::seconds(1);

  // 0: no limit.
  explicit IngressPolicer(uint64_t bits_per_second) : bits_per_second_(bits_per_second) {}

  // Whether a datagram of `size` bytes is within the rate; it is charged only then.
  bool admit(size_t size, TimePoint now) {
    if (bits_per_second_ == 0) return true;
    used_until_ = std::max(used_until_, now);
    if (used_until_ - now > kDepth) return false;
    const uint64_t bits = std::max(size + kHeaderSize, kChargeMin) * 8;
    used_until_ += Duration(static_cast<int64_t>(bits * 1'000'000 / bits_per_second_));
    return true;
  }

 private:
  uint64_t bits_per_second_;
  TimePoint used_until_{};
};

}  // namespace simpul::connection
