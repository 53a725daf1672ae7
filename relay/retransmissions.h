#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "relay/layer_stream.h"

namespace simpul::relay {

class Slot;

// A packet that waits to be sent again, and the numbers that it was sent with.
struct Retransmission {
  Slot* slot = nullptr;
  uint64_t index = 0;  // that it was sent under
  FeedPacket packet;
  Segment segment;
  Placement placement;
};

// How often and how much one slot sends again: each packet a few times, not within one round
// trip, and altogether a share of what the slot sent, so that a receiver cannot make us send more
// by complaining.
class RetransmissionLimit {
 public:
  static constexpr uint64_t kShare = 4;            // one byte for so many sent
  static constexpr uint64_t kFloorRate = 10'000;   // bytes a second that are always granted
  static constexpr uint64_t kBudgetMax = 100'000;  // bytes
  static constexpr Duration kRoundTripMin = std::chrono::milliseconds(10);

  explicit RetransmissionLimit(TimePoint now) : refilled_at_(now) {}

  struct Request {
    uint64_t index = 0;
    size_t size = 0;
    uint64_t octets_sent = 0;  // by the slot, ever
    size_t times_max = 0;
    Duration round_trip{};
  };
  // Whether the packet may be sent again now; it is taken as sent.
  bool allow(const Request& request, TimePoint now);
  // One that was allowed did not leave.
  void give_back(uint64_t index, size_t size);

 private:
  static constexpr size_t kEntries = 1'024;  // by index modulo it; the budget bounds what collides
  struct Entry {
    uint64_t index = 0;
    size_t times = 0;
    TimePoint last{};
  };

  void refill(uint64_t octets_sent, TimePoint now);

  std::array<Entry, kEntries> entries_{};
  uint64_t budget_ = kBudgetMax / 2;
  uint64_t octets_counted_ = 0;
  TimePoint refilled_at_;
};

}  // namespace simpul::relay
