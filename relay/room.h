#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/deadlines.h"
#include "relay/speakers.h"

namespace simpul::relay {

struct Publisher;
struct Subscriber;
class Track;

// Whom those follow who named nobody.
struct Stage {
  std::vector<Track*> heard;   // who is heard, the most important first
  std::vector<Track*> seen;    // cameras of who dominated, the last one first
  std::vector<Track*> others;  // the other cameras, the newest first

  friend bool operator==(const Stage&, const Stage&) = default;
};

// Who is in a room, as they came. It is there as long as anybody is.
struct Room {
  std::string name;
  std::vector<Publisher*> publishers;
  std::vector<Subscriber*> subscribers;
  DeadlinePlace look;                  // Schedule's
  std::unique_ptr<Speakers> speakers;  // while there are several microphones
  Stage stage;
  // Somebody spoke or was pinned, or there were more microphones than may be heard: from then on
  // speech decides, until there is one microphone.
  bool is_followed = false;
};

}  // namespace simpul::relay
