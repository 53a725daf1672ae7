#include "relay/pins.h"

#include <algorithm>
#include <string>

#include "relay/publisher.h"
#include "relay/room.h"
#include "relay/subscriber.h"

namespace simpul::relay {
namespace {

// Among the slots of its kind.
size_t place_of(const Subscriber& subscriber, const Slot& slot) {
  size_t place = 0;
  for (const Slot& other : subscriber.slots) {
    if (&other == &slot) break;
    if (other.kind() == slot.kind()) ++place;
  }
  return place;
}

// Of somebody who is there twice, what the slot carries already, before who came last.
Track* track_of(const Room& room, const std::string& participant, const Slot& slot, size_t place) {
  Track* found = nullptr;
  for (const Publisher* publisher : room.publishers) {
    if (publisher->participant != participant) continue;
    Track* track = publisher->track(slot.kind(), place);
    if (track != nullptr && track == slot.track()) return track;
    if (track != nullptr) found = track;
  }
  return found;
}

}  // namespace

void take_pins(Subscriber& subscriber, TimePoint now) {
  const std::string& participant = subscriber.wish.participant;
  if (participant.empty()) return;
  for (Slot& slot : subscriber.slots) {
    const size_t place = place_of(subscriber, slot);
    Track* track = track_of(*subscriber.room, participant, slot, place);
    slot.set_pinned(track != nullptr || place == 0);
    if (slot.is_pinned()) slot.assign(track, now);
  }
}

bool is_pinned(const Subscriber& subscriber, const Track* track) {
  return std::ranges::any_of(subscriber.slots, [track](const Slot& slot) {
    return slot.is_pinned() && slot.track() == track;
  });
}

}  // namespace simpul::relay
