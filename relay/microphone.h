#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "relay/audio_levels.h"
#include "relay/feed_packet.h"

namespace simpul::relay {

// The packets of a microphone with which speech begins, so that who begins to speak is heard from
// the first syllable on although it takes a while to notice. They leave in front of the first live
// packet, with their own distances; what comes then is played later by as much, until a pause makes
// up for it. Of who is silent, and of who has spoken for long, only the last moments are kept.
class Onset {
 public:
  // Consonants are quieter than what begins with them.
  static constexpr Duration kLead = std::chrono::milliseconds(40);
  // Of speech that began longer ago nothing is replayed.
  static constexpr Duration kAgeMax = std::chrono::milliseconds(200);
  static constexpr size_t kPacketsMax = 16;
  // No more than so much is ever played late, whoever follows whom.
  static constexpr Duration kBehindMax = std::chrono::milliseconds(200);
  // Where no pause made up for that in so long (music has none), it stays.
  static constexpr Duration kPauseAwaited = std::chrono::seconds(5);

  explicit Onset(uint32_t clock_rate);

  // `began` is when the speech did to which the packet belongs, or the last one before.
  void note(const FeedPacket& packet, TimePoint began);
  // One that came late. What it should stand in front of may have come before anything was kept:
  // then it is not the beginning of anything.
  void note_late(const FeedPacket& packet);
  void clear() { packets_.clear(); }

  // What of speech that began then lies before `live` and behind `heard`, the number of a packet;
  // without what a pause parts from the rest: to play the pause would be delay for nothing.
  std::span<const FeedPacket> before(const FeedPacket& live, TimePoint began, int64_t heard) const;
  // All of it, for somebody who gets the live packets too.
  std::span<const FeedPacket> fresh(TimePoint began, TimePoint now) const;
  size_t size() const { return packets_.size(); }

 private:
  static bool is_fresh(TimePoint began, TimePoint now) { return now - began <= kAgeMax; }
  bool is_pause_between(const FeedPacket& packet, const FeedPacket& next) const;

  uint32_t packet_ticks_max_;
  std::vector<FeedPacket> packets_;
};

// What is kept of an audio track because its room has several, or may have.
struct Microphone {
  explicit Microphone(uint32_t clock_rate) : onset(clock_rate) {}

  AudioLevels levels;
  Onset onset;
};

}  // namespace simpul::relay
