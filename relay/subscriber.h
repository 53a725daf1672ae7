#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "relay/relay.h"
#include "relay/slot.h"

namespace simpul::relay {

struct Publisher;
struct Room;

// A pair of slots, one audio and one video (or only one of them), for one person at a time, so
// that audio and video that belong together stay together.
struct Seat {
  Slot* audio = nullptr;
  Slot* video = nullptr;
  Publisher* publisher = nullptr;  // who has it
  size_t place = 0;                // which of the publisher's tracks of each kind
  std::string participant;         // who has or had it: who returns gets it again
};

// Somebody who receives a room's tracks in slots.
struct Subscriber {
  // A round trip before one was measured.
  static constexpr Duration kRoundTripDefault = std::chrono::milliseconds(50);

  Subscriber(SubscriberId subscriber_id, Room& in, Wish what)
      : id(subscriber_id), room(&in), wish(std::move(what)) {}

  // Gives it its slots, once.
  void add_slots(std::span<const SlotConfig> configs,
                 const std::function<Slot::FirstNumbers()>& first_numbers);
  Slot* slot(rtp::Ssrc ssrc);

  // Appends all that is due for it: audio, what was asked for again, video.
  void forward(std::vector<rtp::OutgoingPacket>& out, Counters& counters);

  SubscriberId id;
  uint64_t round = 0;       // of Egress, that it was last part of
  std::vector<Slot> slots;  // audio first; never resized
  std::vector<Retransmission> retransmissions;
  std::vector<Retransmission> leaving;  // what the last batch borrows from

  Room* room;
  Wish wish;
  bool started = false;
  Duration round_trip = kRoundTripDefault;
  std::vector<Seat> seats;
  std::vector<rtp::Ssrc> order;  // of the slots as they were configured
};

}  // namespace simpul::relay
