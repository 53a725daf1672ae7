#include "relay/seating.h"

#include <algorithm>
#include <array>
#include <vector>

#include "relay/following.h"
#include "relay/pins.h"

namespace simpul::relay {
namespace {

bool is_silent(const Publisher& publisher, TimePoint now) {
  return now - publisher.silent_since() > kSeatSilence;
}

// The publisher's track for one slot of a seat. Whether the receiver has its codec shows when
// packets come: a publisher may use any that was agreed on.
Track* track_for(const Slot* slot, const Publisher& publisher, size_t place) {
  if (slot == nullptr || slot->is_pinned()) return nullptr;
  Track* track = publisher.track(slot->kind(), place);
  return is_pinned(slot->subscriber(), track) ? nullptr : track;
}

bool has_any_for(const Seat& seat, const Publisher& publisher, size_t place) {
  return track_for(seat.audio, publisher, place) != nullptr ||
         track_for(seat.video, publisher, place) != nullptr;
}

bool can_sit(const Subscriber& subscriber, const Seat& seat, const Publisher& publisher,
             size_t place) {
  const bool is_seated = std::ranges::any_of(subscriber.seats, [&](const Seat& other) {
    return other.publisher == &publisher && other.place == place;
  });
  return !is_seated && has_any_for(seat, publisher, place);
}

void take(Seat& seat, Publisher& publisher, size_t place) {
  seat.publisher = &publisher;
  seat.place = place;
  seat.participant = publisher.participant;
}

// Seats somebody who meets `meets(seat, publisher)` in each free seat, the last who came first.
template <class Meets>
void fill(Subscriber& subscriber, const Meets& meets) {
  for (Seat& seat : subscriber.seats) {
    const auto& publishers = subscriber.room->publishers;
    for (auto it = publishers.rbegin(); it != publishers.rend() && !seat.publisher; ++it) {
      Publisher& publisher = **it;
      for (size_t place = 0; place < publisher.tracks.size() && !seat.publisher; ++place) {
        if (!meets(seat, publisher, place)) continue;
        if (can_sit(subscriber, seat, publisher, place)) take(seat, publisher, place);
      }
    }
  }
}

void fill_by_last(Subscriber& subscriber) {
  fill(subscriber, [](const Seat& seat, const Publisher& publisher, size_t place) {
    return publisher.participant == seat.participant && place == seat.place;
  });
  fill(subscriber, [](const Seat&, const Publisher&, size_t) { return true; });
}

// Who is in a slot although they have no seat (what is there followed speech, or was pinned, until
// now) stays there; pictures before sound.
void seat_who_is_there(Subscriber& subscriber, Slot* Seat::*slot_of) {
  for (Seat& seat : subscriber.seats) {
    const Slot* slot = seat.*slot_of;
    if (seat.publisher != nullptr || slot == nullptr || slot->is_pinned()) continue;
    if (slot->track() == nullptr) continue;
    Publisher& publisher = slot->track()->publisher();
    for (size_t place = 0; place < publisher.tracks.size(); ++place) {
      if (publisher.track(slot->kind(), place) != slot->track()) continue;
      if (can_sit(subscriber, seat, publisher, place)) take(seat, publisher, place);
    }
  }
}

// What of the seat's publisher a slot of it gets.
Track* seated_in(const Seat& seat, const Slot* slot) {
  return seat.publisher == nullptr ? nullptr : track_for(slot, *seat.publisher, seat.place);
}

bool is_shown(const Subscriber& subscriber, const Track* track, const Slot* elsewhere_than) {
  return std::ranges::any_of(subscriber.slots, [&](const Slot& slot) {
    return &slot != elsewhere_than && slot.track() == track;
  });
}

// What no other slot shows although it is there, because the slot that would is for somebody else:
// what the slot carries, or else of the last who came; who has fallen silent only for want of
// others.
Track* unseen_for(const Subscriber& subscriber, const Slot& slot, TimePoint now) {
  Track* carried = nullptr;
  if (slot.track() != nullptr && !is_shown(subscriber, slot.track(), &slot)) carried = slot.track();
  if (carried != nullptr && !is_silent(carried->publisher(), now)) return carried;
  Track* silent = carried;
  const auto& publishers = subscriber.room->publishers;
  for (auto publisher = publishers.rbegin(); publisher != publishers.rend(); ++publisher) {
    for (const auto& track : (*publisher)->tracks) {
      if (track->kind() != slot.kind() || is_shown(subscriber, track.get(), &slot)) continue;
      if (!is_silent(**publisher, now)) return track.get();
      if (silent == nullptr) silent = track.get();
    }
  }
  return silent;
}

// Those of seats first, so that nobody shows for want of one what has one.
void assign_slots(Subscriber& subscriber, TimePoint now) {
  std::vector<Slot*> free;
  for (const Seat& seat : subscriber.seats) {
    for (Slot* slot : {seat.audio, seat.video}) {
      if (slot == nullptr || slot->is_pinned()) continue;
      Track* track = seated_in(seat, slot);
      if (track == nullptr) {
        free.push_back(slot);
      } else {
        slot->assign(track, now);
      }
    }
  }
  for (Slot* slot : free) slot->assign(unseen_for(subscriber, *slot, now), now);
}

// In a slot that is free for whoever is unseen.
bool shows_silent(const Subscriber& subscriber, TimePoint now) {
  return std::ranges::any_of(subscriber.seats, [&](const Seat& seat) {
    return std::ranges::any_of(std::array{seat.audio, seat.video}, [&](const Slot* slot) {
      if (slot == nullptr || slot->is_pinned() || slot->track() == nullptr) return false;
      const bool is_seats = seated_in(seat, slot) == slot->track();
      return !is_seats && is_silent(slot->track()->publisher(), now);
    });
  });
}

bool take_if_sending(const Subscriber& subscriber, Seat& seat, Publisher& publisher) {
  if (!publisher.is_sending()) return false;
  for (size_t place = 0; place < publisher.tracks.size(); ++place) {
    if (!can_sit(subscriber, seat, publisher, place)) continue;
    take(seat, publisher, place);
    return true;
  }
  return false;
}

}  // namespace

void reseat_silent(const Room& room, TimePoint now) {
  const auto has_fallen_silent = [now](const Publisher* one) { return is_silent(*one, now); };
  if (room.publishers.size() < 2) return;
  if (std::ranges::none_of(room.publishers, has_fallen_silent)) return;
  for (Subscriber* subscriber : room.subscribers) {
    if (follows(*subscriber)) continue;
    bool has_changed = shows_silent(*subscriber, now);
    for (Seat& seat : subscriber->seats) {
      if (seat.publisher == nullptr || !is_silent(*seat.publisher, now)) continue;
      const auto& publishers = room.publishers;
      const auto taken = std::find_if(publishers.rbegin(), publishers.rend(), [&](Publisher* next) {
        return take_if_sending(*subscriber, seat, *next);
      });
      has_changed |= taken != publishers.rend();
    }
    if (has_changed) assign_slots(*subscriber, now);
  }
}

TimePoint next_reseat(const Room& room, TimePoint now) {
  // Who is sending falls silent first.
  static_assert(kSeatSilence > Feed::kSilence);
  TimePoint earliest = kNever;
  if (room.publishers.size() < 2) return earliest;
  for (const Publisher* publisher : room.publishers) {
    const TimePoint since = publisher->silent_since();
    if (publisher->is_sending() || now - since > kSeatSilence) continue;
    earliest = std::min(earliest, since + kSeatSilence + Duration(1));
  }
  return earliest;
}

void seat(Subscriber& subscriber, TimePoint now) {
  take_pins(subscriber, now);
  if (follows(subscriber)) return follow(subscriber, now);
  // Who sits where all is for somebody who was named has no seat.
  for (Seat& seat : subscriber.seats) {
    if (seat.publisher == nullptr || has_any_for(seat, *seat.publisher, seat.place)) continue;
    seat.publisher = nullptr;
  }
  seat_who_is_there(subscriber, &Seat::video);
  seat_who_is_there(subscriber, &Seat::audio);
  fill_by_last(subscriber);
  assign_slots(subscriber, now);
}

void unseat(Subscriber& subscriber, const Publisher& publisher, TimePoint now) {
  for (Seat& seat : subscriber.seats) {
    if (seat.publisher == &publisher) seat.publisher = nullptr;
  }
  // Who follows has nobody in the seats; what is in the slots tells of all.
  for (Slot& slot : subscriber.slots) {
    if (slot.is_from(publisher)) slot.assign(nullptr, now);
  }
}

}  // namespace simpul::relay
