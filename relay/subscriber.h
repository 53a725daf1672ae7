#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/deadlines.h"
#include "base/time.h"
#include "relay/allotment.h"
#include "relay/redundancy_choice.h"
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

  // Lost packets that one subscriber may name in one interval; what is more is not looked at.
  static constexpr size_t kNacksMax = 1'024;
  static constexpr Duration kNackInterval = std::chrono::milliseconds(100);

  // Gives it its slots, once.
  void add_slots(std::span<const SlotConfig> configs,
                 const std::function<Slot::FirstNumbers()>& first_numbers);
  Slot* slot(rtp::Ssrc ssrc);
  // How many of `count` packets that it names as lost may be looked at now; they are taken as that.
  size_t admit_nacks(size_t count, TimePoint now);

  // It says to have lost so much (0 to 1) of what a slot sent since it last said so.
  void receive_loss(Slot& slot, double loss, TimePoint now);

  // Puts all that is due for it into `out`, which is empty.
  rtp::OutgoingBatch forward(std::vector<rtp::OutgoingPacket>& out, Counters& counters);
  // Puts there what was asked for again.
  void repair(size_t place, std::vector<rtp::OutgoingPacket>& out, Counters& counters);

  // Appends padding, from the slot with RTX that sent last.
  void pad(const PaddingWish& padding, std::vector<rtp::OutgoingPacket>& out);

  SubscriberId id;
  uint64_t round = 0;       // of Egress, that it was last part of
  std::vector<Slot> slots;  // audio first; never resized
  std::vector<Retransmission> retransmissions;
  std::vector<Retransmission> leaving;  // what the last batch borrows from

  Room* room;
  Wish wish;
  bool started = false;
  Duration round_trip = kRoundTripDefault;
  TimePoint nacks_since{};  // when the interval began
  size_t nacks = 0;         // in it
  std::vector<Seat> seats;
  std::vector<rtp::Ssrc> order;  // of the slots as they were configured
  // Since something is known of its path, or wished for.
  std::unique_ptr<Allotment> allotment;
  DeadlinePlace allocation;          // Schedule's
  std::optional<uint64_t> path_bps;  // that its path carries
  bool is_path_full = false;         // its queue is
  RedundancyChoice redundancy;       // of its sound
};

}  // namespace simpul::relay
