#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "relay/clock_mapping.h"
#include "relay/relay.h"
#include "relay/track.h"

namespace simpul::relay {

struct Room;

// Somebody who sends tracks into a room.
struct Publisher {
  PublisherId id;
  Room* room = nullptr;
  std::string participant;
  TimePoint joined{};
  ParticipantClock clock;
  std::vector<std::unique_ptr<Track>> tracks;  // as they were added
  bool is_pinned = false;                      // heard in any case
  bool is_listened_to = false;                 // for others, also where it is alone
  std::optional<Duration> round_trip;          // to it

  // Since when nothing has come of it: of one that has sent nothing yet, since it is there.
  TimePoint silent_since() const {
    TimePoint last = joined;
    for (const auto& track : tracks) {
      for (const Feed& feed : track->feeds()) last = std::max(last, feed.last_media());
    }
    return last;
  }
  bool is_sending() const {
    return std::ranges::any_of(tracks, [](const auto& track) { return track->is_sent(); });
  }

  // The track of a kind at a place among its kind, or null.
  Track* track(rtp::MediaKind kind, size_t place) const {
    for (const auto& candidate : tracks) {
      if (candidate->kind() == kind && place-- == 0) return candidate.get();
    }
    return nullptr;
  }
};

}  // namespace simpul::relay
