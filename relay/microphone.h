#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "base/time.h"
#include "relay/audio_levels.h"
#include "relay/feed_packet.h"

namespace simpul::relay {

// The last packets of a microphone, so that who begins to speak is heard from the first syllable on
// although it takes a while to notice. They leave in front of the first live packet, with their own
// distances: a receiver takes them for packets that came late, and catches up.
class Onset {
 public:
  static constexpr Duration kAgeMax = std::chrono::milliseconds(240);
  static constexpr size_t kPacketsMax = 16;
  // Consonants are quieter than what begins with them.
  static constexpr Duration kLead = std::chrono::milliseconds(40);

  // A late packet is left out: what went before it may have left already.
  void note(const FeedPacket& packet) {
    if (!packets_.empty() && packet.number <= packets_.back().number) return;
    const auto kept = std::ranges::find_if(
        packets_, [&](const FeedPacket& one) { return packet.arrival - one.arrival <= kAgeMax; });
    packets_.erase(packets_.begin(), kept);
    if (packets_.size() == kPacketsMax) packets_.erase(packets_.begin());
    packets_.push_back(packet);
  }
  void clear() { packets_.clear(); }

  // What of speech that began then lies before `live`; nothing of speech that began long before it.
  std::span<const FeedPacket> before(const FeedPacket& live, TimePoint began) const {
    if (live.arrival - began > kAgeMax - kLead) return {};
    const auto first = std::ranges::find_if(
        packets_, [&](const FeedPacket& one) { return one.arrival >= began - kLead; });
    const auto last = std::ranges::find_if(
        packets_, [&](const FeedPacket& one) { return one.number >= live.number; });
    return first < last ? std::span(first, last) : std::span<const FeedPacket>();
  }
  std::span<const FeedPacket> packets() const { return packets_; }

 private:
  std::vector<FeedPacket> packets_;
};

// What is kept of an audio track because its room has several, or may have.
struct Microphone {
  AudioLevels levels;
  Onset onset;
};

}  // namespace simpul::relay
