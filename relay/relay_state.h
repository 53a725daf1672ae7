#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "relay/allotments.h"
#include "relay/clock_mapping.h"
#include "relay/egress.h"
#include "relay/publisher.h"
#include "relay/relay.h"
#include "relay/room.h"
#include "relay/schedule.h"
#include "relay/subscriber.h"
#include "relay/track.h"

namespace simpul::relay {

template <class Map, class Id>
auto* find_in(const Map& map, Id id) {
  const auto found = map.find(id);
  return found == map.end() ? nullptr : &*found->second;
}

// All that a relay knows. What it does with it is in relay.cc, and in relay_feedback.cc where a
// subscriber says something.
struct Relay::State {
  State(const Limits& with, uint64_t seed) : limits(with), random(seed) {}

  Room& room(std::string_view name);
  void leave(Room& room);
  void seat_all(Room& room, TimePoint now);
  Track* track(TrackId id, uint8_t layer) const;  // null when it has no such layer
  Slot::FirstNumbers first_numbers();
  void look(TimePoint now, std::vector<SlotReport>& reports);
  void take_requests(TimePoint now, std::vector<KeyFrameRequest>& out);
  void review_supplies(TimePoint now, std::vector<SuspensionChange>& out);

  const Limits limits;
  std::mt19937_64 random;
  WallClock clock;
  Counters counters;
  std::map<std::string, Room, std::less<>> rooms;
  std::unordered_map<PublisherId, std::unique_ptr<Publisher>> publishers;
  std::unordered_map<SubscriberId, std::unique_ptr<Subscriber>> subscribers;
  TrackIndex tracks;
  Schedule schedule;
  std::vector<Track*> due;  // scratch
  uint64_t looks = 0;
  Allotments allotments{schedule};
  Egress egress{schedule};
  uint32_t next_publisher = 1;
  uint32_t next_subscriber = 1;
  TimePoint latest{};  // that was told
  TimePoint tick_due{};
};

}  // namespace simpul::relay
