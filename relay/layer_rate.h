#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace simpul::relay {

// How many bits a second a layer takes, headers included, over a few seconds: a key frame is much
// of one second and little of several.
class LayerRate {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(1);
  static constexpr Duration kMemory = std::chrono::seconds(3);

  // A packet's payload came.
  void add(size_t payload_size, TimePoint now) {
    if (now - since_ >= kInterval) fold(now);
    bytes_ += payload_size + kHeaders;
  }
  // The layer comes to life: the time before does not count.
  void begin(TimePoint now) {
    since_ = now;
    bytes_ = 0;
  }
  // What another worker measured.
  void tell(uint64_t bits_per_second) { bps_ = static_cast<double>(bits_per_second); }

  // 0 before it was measured.
  uint64_t bits_per_second() const { return static_cast<uint64_t>(bps_); }

 private:
  static constexpr size_t kHeaders = 36;  // RTP with extensions, and the tag of SRTP

  void fold(TimePoint now) {
    const double seconds = std::chrono::duration<double>(now - since_).count();
    const double bps = static_cast<double>(bytes_) * 8 / seconds;
    const double share = std::min(seconds / std::chrono::duration<double>(kMemory).count(), 1.0);
    bps_ = bps_ == 0 ? bps : bps_ + (bps - bps_) * share;
    begin(now);
  }

  TimePoint since_{};
  uint64_t bytes_ = 0;
  double bps_ = 0;
};

}  // namespace simpul::relay
