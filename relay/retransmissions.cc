#include "relay/retransmissions.h"

#include <algorithm>

namespace simpul::relay {

bool RetransmissionLimit::allow(const Request& request, TimePoint now) {
  refill(request.octets_sent, now);
  Entry& entry = entries_[request.index % kEntries];
  if (entry.index != request.index) entry = {.index = request.index};
  const Duration pause = std::max(request.round_trip, kRoundTripMin);
  if (entry.times >= request.times_max || (entry.times > 0 && now - entry.last < pause)) {
    return false;
  }
  if (budget_ < request.size) return false;
  budget_ -= request.size;
  ++entry.times;
  entry.last = now;
  return true;
}

void RetransmissionLimit::give_back(uint64_t index, size_t size) {
  budget_ = std::min(budget_ + size, kBudgetMax);
  Entry& entry = entries_[index % kEntries];
  if (entry.index == index && entry.times > 0) --entry.times;
}

void RetransmissionLimit::refill(uint64_t octets_sent, TimePoint now) {
  budget_ += (octets_sent - octets_counted_) / kShare;
  octets_counted_ = octets_sent;
  const auto elapsed = std::clamp(now - refilled_at_, Duration(0), Duration(std::chrono::hours(1)));
  const auto granted = static_cast<uint64_t>(elapsed.count()) * kFloorRate / 1'000'000;
  // Less than a byte is not lost: the time it took counts on.
  if (granted > 0) refilled_at_ = now;
  budget_ = std::min(budget_ + granted, kBudgetMax);
}

}  // namespace simpul::relay
