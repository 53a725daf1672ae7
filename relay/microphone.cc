#include "relay/microphone.h"

#include <algorithm>

#include "relay/clock_mapping.h"

namespace simpul::relay {

Onset::Onset(uint32_t clock_rate)
    : packet_ticks_max_(static_cast<uint32_t>(ticks_of(AudioLevels::kPacketMax, clock_rate))) {}

void Onset::note(const FeedPacket& packet, TimePoint began) {
  const TimePoint first = is_fresh(began, packet.arrival) ? began : packet.arrival;
  const auto kept = std::ranges::find_if(
      packets_, [first](const FeedPacket& one) { return one.arrival >= first - kLead; });
  packets_.erase(packets_.begin(), kept);
  if (packets_.size() == kPacketsMax) packets_.erase(packets_.begin());
  packets_.push_back(packet);
}

// It counts as if it had come in its turn: what is too long ago ends at one place.
void Onset::note_late(const FeedPacket& packet) {
  const auto next = std::ranges::upper_bound(packets_, packet.number, {}, &FeedPacket::number);
  if (next == packets_.begin() || packets_.size() == kPacketsMax) return;
  const TimePoint arrival = next->arrival;
  packets_.insert(next, packet)->arrival = arrival;
}

std::span<const FeedPacket> Onset::before(const FeedPacket& live, TimePoint began,
                                          int64_t heard) const {
  if (!is_fresh(began, live.arrival)) return {};
  const auto last = std::ranges::find_if(
      packets_, [&](const FeedPacket& one) { return one.number >= live.number; });
  auto first = last;
  const FeedPacket* next = &live;
  while (first != packets_.begin()) {
    const FeedPacket& packet = *(first - 1);
    const bool is_part = packet.arrival >= began - kLead && packet.number > heard;
    if (!is_part || is_pause_between(packet, *next)) break;
    next = &packet;
    --first;
  }
  return {first, last};
}

std::span<const FeedPacket> Onset::fresh(TimePoint began, TimePoint now) const {
  if (!is_fresh(began, now)) return {};
  return packets_;
}

// Packets that were lost between two make no pause.
bool Onset::is_pause_between(const FeedPacket& packet, const FeedPacket& next) const {
  const uint32_t ticks = next.media.timestamp - packet.media.timestamp;
  return ticks > packet_ticks_max_ * static_cast<uint64_t>(next.number - packet.number);
}

}  // namespace simpul::relay
