#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "relay/relay.h"

namespace simpul::relay {

// Which microphones of a room are heard: so many at most, whoever speaks before whoever is silent.
// Who is in stays in until somebody else needs the place: one who falls silent gives it up, one who
// speaks only to one who is much louder for a while, so that two of a kind never take turns. Also
// who dominates, which decides who is seen. Hears nothing by itself (AudioLevels).
class Speakers {
 public:
  // How long one has to speak before one is seen for it: an assenting word is not enough.
  static constexpr Duration kDominates = std::chrono::milliseconds(300);
  // Who is so much louder (dB) for so long takes the place of one who speaks.
  static constexpr int kMuchLouder = 10;
  static constexpr Duration kLouderFor = std::chrono::seconds(1);
  // Who dominated once is remembered, as many as a subscriber has slots.
  static constexpr size_t kRememberedMax = 32;
  // While anybody speaks, decide() is to be called again after this.
  static constexpr Duration kInterval = std::chrono::milliseconds(100);

  // One as it is now.
  struct Microphone {
    TrackId track;
    bool is_speaking = false;
    TimePoint began{};  // to speak
    TimePoint spoke{};  // last
    int loudness = 0;
    bool is_pinned = false;  // heard in any case, as long as there is a place
  };

  // `most` are heard, at least one.
  explicit Speakers(size_t most);

  // All microphones of the room, the newest last. True when the answers below have changed.
  bool decide(std::span<const Microphone> microphones, TimePoint now);
  void forget(TrackId track);

  // At most so many as may be: who is pinned and speaks, who dominates and speaks, the others who
  // speak, the silent, pinned ones first. Not everybody has slots for all of them.
  const std::vector<TrackId>& heard() const { return heard_; }
  // Who has dominated, the last one first.
  const std::vector<TrackId>& order() const { return order_; }
  size_t most() const { return most_; }

 private:
  struct Member {
    Microphone is;
    size_t place = 0;  // among all
    TimePoint entered{};
  };

  bool has(TrackId track) const;
  void enter(const Member& newcomer, TimePoint now);
  Member* place_for(const Microphone& newcomer, TimePoint now);
  void dominate(TimePoint now);
  std::vector<TrackId> sorted() const;

  size_t most_;
  std::vector<Member> members_;
  std::vector<TrackId> heard_;
  std::vector<TrackId> order_;
  std::vector<const Microphone*> waiting_;  // scratch
};

}  // namespace simpul::relay
