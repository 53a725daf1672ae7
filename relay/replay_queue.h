#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "relay/replay.h"

namespace simpul::relay {

// Decides how fast a layer's last key frame and what followed may be replayed (Replay), from the
// queue that each speed would make on the path. The key frame's own is not counted: a live one
// would make it too. What comes on top of it is at most what the path carries in kQueueMax.
class ReplayQueue {
 public:
  static constexpr Duration kQueueMax = std::chrono::milliseconds(100);
  static constexpr size_t kHeaders = 40;  // of a packet: RTP with extensions, and the tag of SRTP

  // What is left of the path for it.
  ReplayQueue(uint64_t path_bps, uint32_t clock_rate)
      : path_(static_cast<double>(path_bps) / 8 / clock_rate),
        slack_(static_cast<double>(path_bps) / 8 *
               std::chrono::duration<double>(kQueueMax).count()) {}

  // The next packet of the layer, captured so long after the key frame.
  void add(int64_t ticks, size_t payload_size) {
    const auto bytes = static_cast<double>(payload_size + kHeaders);
    const auto since_last = static_cast<double>(std::max(ticks - last_, int64_t{0}));
    last_ = std::max(last_, ticks);
    (ticks > 0 ? others_ : key_) += bytes;
    for (size_t i = 0; i < kSpeeds; ++i) {
      Queue& queue = queues_[i];
      const double carried = path_ * since_last / static_cast<double>(speed(i));
      queue.now = std::max(queue.now - carried, 0.0) + bytes;
      queue.most = std::max(queue.most, queue.now);
    }
  }

  // The fastest that the path carries, where the key frame is `age` ticks old; nothing where none
  // is. What comes until the slot has caught up is taken to be as large as what followed so far.
  std::optional<int64_t> fastest(int64_t age) const {
    const double rate = last_ > 0 ? others_ / static_cast<double>(last_) : 0;
    for (size_t i = 0; i < kSpeeds; ++i) {
      const auto times = static_cast<double>(speed(i));
      const double until_live =
          static_cast<double>(age) / (times - 1) - static_cast<double>(last_) / times;
      const double grown = queues_[i].now + (times * rate - path_) * std::max(until_live, 0.0);
      if (std::max(queues_[i].most, grown) <= key_ + slack_) return speed(i);
    }
    return std::nullopt;
  }

 private:
  static constexpr size_t kSpeeds = Replay::kSpeedMax - Replay::kSpeedMin + 1;
  static constexpr int64_t speed(size_t i) { return Replay::kSpeedMax - static_cast<int64_t>(i); }

  struct Queue {
    double now = 0;  // bytes
    double most = 0;
  };

  double path_;   // bytes a tick
  double slack_;  // bytes
  int64_t last_ = 0;
  double key_ = 0;
  double others_ = 0;
  std::array<Queue, kSpeeds> queues_{};  // by speed, the fastest first
};

}  // namespace simpul::relay
