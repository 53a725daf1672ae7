#pragma once

#include <optional>

#include "base/time.h"

namespace simpul::bwe {

// How much longer than the sender's the receiver's time between two groups of packets was.
struct GroupDelta {
  Duration sent{};  // between the last packets of both groups
  Duration arrived{};
  Duration arrived_at{};  // of the newer group, on the receiver's clock
};

// Puts packets that were sent in one burst, or that queued behind one another on the way, in groups
// whose distances are then compared: distances of single packets are noise.
class PacketGroups {
 public:
  static constexpr Duration kBurst = std::chrono::milliseconds(5);
  static constexpr Duration kBurstMax = std::chrono::milliseconds(100);
  // The receiver's clock may not run ahead of ours by more, between two groups.
  static constexpr Duration kClockJump = std::chrono::seconds(3);
  static constexpr int kReorderedMax = 3;

  // Packets in the order of their numbers. A delta when `packet` began a new group, and there were
  // two complete ones before it.
  std::optional<GroupDelta> add(TimePoint sent_at, Duration arrived_at, TimePoint now);

 private:
  struct Group {
    TimePoint first_sent;
    TimePoint last_sent;
    Duration first_arrived{};
    Duration last_arrived{};
    TimePoint reported_at;
  };

  static bool is_burst(const Group& group, TimePoint sent_at, Duration arrived_at);
  std::optional<GroupDelta> compare();

  std::optional<Group> current_;
  std::optional<Group> previous_;
  int reordered_ = 0;
};

}  // namespace simpul::bwe
