#pragma once

#include <list>
#include <vector>

#include "base/deadlines.h"
#include "relay/room.h"
#include "relay/slot.h"
#include "relay/subscriber.h"
#include "relay/track.h"

namespace simpul::relay {

// What is due of whom, and when: so that work follows packets and events, and neither the tracks
// nor the rooms nor the people who do nothing are looked at. Items set their own deadlines, and are
// forgotten before they go. A deadline may come too early, never too late: what is looked at then
// finds out by itself that it has time.
struct Schedule {
  Deadlines<Track, &Track::look> looks;
  Deadlines<Track, &Track::request> requests;
  Deadlines<Track, &Track::supply> supplies;
  Deadlines<Room, &Room::look> rooms;
  Deadlines<Slot, &Slot::look> slots;
  Deadlines<Subscriber, &Subscriber::allocation> allocations;
  Deadlines<Slot, &Slot::burst> replays;   // Egress takes them
  uint64_t starts_from_cache = 0;          // so far
  std::vector<TrackId> changed;            // tracks with news for other workers
  std::vector<const FeedPacket*> packets;  // scratch of slots that begin
  std::list<FeedPacket> onsets;            // what the last batch borrows of them

  // Who is there, or who is sending, has changed.
  void note_change(Room& room) { rooms.set(room, TimePoint{}); }
  // What there is for a subscriber, or what it wants, has changed.
  void note_allotment(Subscriber& subscriber) {
    if (subscriber.allotment == nullptr) return;
    allocations.set(subscriber, subscriber.allotment->next_allowed());
  }
  void forget(Track& track) {
    looks.remove(track);
    requests.remove(track);
    supplies.remove(track);
    std::erase(changed, track.id());
  }
  // Of everything but key-frame requests.
  TimePoint next_look() const { return std::min({looks.next(), rooms.next(), slots.next()}); }
};

}  // namespace simpul::relay
