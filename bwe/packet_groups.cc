#include "bwe/packet_groups.h"

#include <algorithm>

namespace simpul::bwe {

bool PacketGroups::is_burst(TimePoint sent_at, Duration arrived_at) const {
  const Duration arrived = arrived_at - current_->last_arrived;
  const Duration sent = sent_at - current_->last_sent;
  if (sent == Duration{0}) return true;
  return arrived - sent < Duration{0} && arrived <= kBurst &&
         arrived_at - current_->first_arrived < kBurstMax;
}

std::optional<GroupDelta> PacketGroups::compare() {
  const GroupDelta delta{.sent = current_->last_sent - previous_->last_sent,
                         .arrived = current_->last_arrived - previous_->last_arrived,
                         .arrived_at = current_->last_arrived};
  if (delta.arrived - (current_->reported_at - previous_->reported_at) >= kClockJump) {
    current_.reset();
    previous_.reset();
    return std::nullopt;
  }
  if (delta.arrived < Duration{0}) {
    if (++reordered_ < kReorderedMax) return std::nullopt;
    reordered_ = 0;
    current_.reset();
    previous_.reset();
    return std::nullopt;
  }
  reordered_ = 0;
  return delta;
}

std::optional<GroupDelta> PacketGroups::add(TimePoint sent_at, Duration arrived_at, TimePoint now) {
  std::optional<GroupDelta> delta;
  if (current_ && sent_at < current_->first_sent) return delta;
  if (current_ && (is_burst(sent_at, arrived_at) || sent_at - current_->first_sent <= kBurst)) {
    current_->last_sent = std::max(current_->last_sent, sent_at);
    current_->last_arrived = std::max(current_->last_arrived, arrived_at);
    current_->reported_at = now;
    return delta;
  }
  if (current_ && previous_) delta = compare();
  previous_ = current_;
  current_ = Group{.first_sent = sent_at,
                   .last_sent = sent_at,
                   .first_arrived = arrived_at,
                   .last_arrived = arrived_at,
                   .reported_at = now};
  return delta;
}

}  // namespace simpul::bwe
