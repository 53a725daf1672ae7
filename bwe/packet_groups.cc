#include "bwe/packet_groups.h"

#include <algorithm>

namespace simpul::bwe {

bool PacketGroups::is_burst(const Group& group, TimePoint sent_at, Duration arrived_at) {
  const Duration arrived = arrived_at - group.last_arrived;
  const Duration sent = sent_at - group.last_sent;
  if (sent == Duration{0}) return true;
  return arrived - sent < Duration{0} && arrived <= kBurst &&
         arrived_at - group.first_arrived < kBurstMax;
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
  if (current_) {
    Group& group = *current_;
    if (sent_at < group.first_sent) return std::nullopt;
    if (sent_at - group.first_sent <= kBurst || is_burst(group, sent_at, arrived_at)) {
      group.last_sent = std::max(group.last_sent, sent_at);
      group.last_arrived = std::max(group.last_arrived, arrived_at);
      group.reported_at = now;
      return std::nullopt;
    }
  }
  std::optional<GroupDelta> delta;
  if (current_ && previous_) delta = compare();
  previous_ = current_;
  // Written where it stays: what is made elsewhere in parts is waited for when it is copied.
  if (!current_) current_ = Group{};
  Group& group = *current_;
  group.first_sent = group.last_sent = sent_at;
  group.first_arrived = group.last_arrived = arrived_at;
  group.reported_at = now;
  return delta;
}

}  // namespace simpul::bwe
