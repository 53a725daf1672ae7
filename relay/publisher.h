#pragma once

#include <memory>
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
  ParticipantClock clock;
  std::vector<std::unique_ptr<Track>> tracks;  // as they were added

  // The track of a kind at a place among its kind, or null.
  Track* track(rtp::MediaKind kind, size_t place) const {
    for (const auto& candidate : tracks) {
      if (candidate->kind() == kind && place-- == 0) return candidate.get();
    }
    return nullptr;
  }
};

}  // namespace simpul::relay
