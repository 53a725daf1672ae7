#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "relay/feed_packet.h"
#include "relay/history.h"

namespace simpul::relay {

// Decides from which packet on a layer's history is kept longer than for retransmissions, because
// a slot can begin there: from the last key frame on (a group of pictures), as long as that is
// neither too old nor too large. Holds no packets: they are the history's.
class GopCache {
 public:
  // `bytes_max` of payload; 0: nothing is kept.
  GopCache(Duration age_max, size_t bytes_max) : age_max_(age_max), bytes_max_(bytes_max) {}

  // A packet that went into the history.
  void note(const FeedPacket& packet, const History& history) {
    if (packet.starts_stream && packet.start() > first_) return begin(packet, history);
    bytes_ += packet.media.payload_size;
  }
  void clear() { first_ = kNone; }

  // The number of the key frame's first packet; nothing when there is none, or it is too long ago.
  std::optional<int64_t> first(TimePoint now) const {
    if (first_ == kNone || bytes_ > bytes_max_ || now - began_ > age_max_) return std::nullopt;
    return first_;
  }

 private:
  static constexpr int64_t kNone = -1;

  // Of a key frame whose first packet comes late, the rest is there already; of one that its
  // first packets do not show, these are.
  void begin(const FeedPacket& packet, const History& history) {
    first_ = packet.start();
    began_ = packet.arrival;
    bytes_ = 0;
    for (int64_t number = first_; number <= history.newest(); ++number) {
      if (const FeedPacket* later = history.find(number)) bytes_ += later->media.payload_size;
    }
  }

  Duration age_max_;
  size_t bytes_max_;
  int64_t first_ = kNone;
  TimePoint began_{};
  size_t bytes_ = 0;  // since then
};

}  // namespace simpul::relay
