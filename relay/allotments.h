#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.h"
#include "relay/allotment.h"

namespace simpul::relay {

struct Schedule;

// All subscribers' allotments: who gets one, and when each is decided upon. Nothing is done for
// those of whose path nothing is known and who wish for nothing.
class Allotments {
 public:
  // Subscribers who are decided upon in one go; the others are next.
  static constexpr size_t kRunMax = 64;

  explicit Allotments(Schedule& schedule) : schedule_(schedule) {}

  void set_estimate(Subscriber& subscriber, const std::optional<PathEstimate>& estimate,
                    TimePoint now);
  void set_viewing(Slot& slot, const Viewing& viewing);
  Explanation explain(Subscriber& subscriber, TimePoint now);
  // Returns how many were decided upon.
  size_t run(TimePoint now, std::vector<ProbeWish>& wishes);

 private:
  // Null when there is nothing to decide upon.
  static Allotment* of(Subscriber& subscriber);

  Schedule& schedule_;
  SlotDemands demands_;    // scratch
  Allocation allocation_;  // scratch
};

}  // namespace simpul::relay
