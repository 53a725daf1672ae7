#include "relay/pins.h"

#include <algorithm>
#include <string>

#include "relay/publisher.h"
#include "relay/room.h"
#include "relay/subscriber.h"

namespace simpul::relay {
namespace {

const std::string& named_for(const Subscriber& subscriber, const Slot& slot) {
  const auto& own = slot.viewing().participant;
  return own ? *own : subscriber.wish.participant;
}

// Of the slots for the same participant, how many of its kind come before.
size_t place_of(const Subscriber& subscriber, const Slot& slot) {
  size_t place = 0;
  for (const Slot& other : subscriber.slots) {
    if (&other == &slot) break;
    const bool is_same = other.kind() == slot.kind();
    if (is_same && named_for(subscriber, other) == named_for(subscriber, slot)) ++place;
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
  for (Slot& slot : subscriber.slots) {
    const std::string& participant = named_for(subscriber, slot);
    if (participant.empty()) {
      slot.set_pinned(false);
      continue;
    }
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
