// What the home of a layer gives to another worker that begins to borrow it, and what that makes of
// it.
#include <algorithm>

#include "relay/feed.h"

namespace simpul::relay {

std::vector<const FeedPacket*> Feed::past(TimePoint now) const {
  std::vector<const FeedPacket*> packets;
  const auto first = active_ ? cached_start(now) : std::nullopt;
  if (!first) return packets;
  for (int64_t number = *first; number <= history_.newest(); ++number) {
    if (const FeedPacket* packet = history_.find(number)) packets.push_back(packet);
  }
  // Of a frame that is not complete yet, or late.
  for (const FeedPacket& packet : waiting_) {
    if (packet.number > *first) packets.push_back(&packet);
  }
  std::ranges::sort(packets, {}, &FeedPacket::number);
  // Numbered there without the padding between them, they would leave holes.
  const FeedPacket& start = *packets.front();
  const bool has_padding = std::ranges::any_of(packets, [&start](const FeedPacket* packet) {
    const auto step = static_cast<uint16_t>(packet->media.sequence_number.value() -
                                            start.media.sequence_number.value());
    return step != static_cast<uint16_t>(packet->number - start.number);
  });
  if (has_padding) packets.clear();
  return packets;
}

Feed::Taken Feed::take_past(rtp::MediaPacket media, TimePoint arrival, TimePoint now) {
  past_awaited_ = true;
  Taken taken = place(std::move(media), arrival);
  if (!taken.packet || taken.packet->media.payload_size == 0) return taken;
  const FeedPacket& packet = *taken.packet;
  last_timestamp_ = packet.media.timestamp;
  last_number_ = packet.number;
  last_media_ = std::max(last_media_, arrival);
  taken.layers_changed = !active_;
  if (taken.layers_changed) rate_.begin(now);
  active_ = true;
  seen_ = true;
  taken.layers_changed |=
      meters_.add(packet.payload.layers, packet.media.payload_size, packet.arrival);
  taken.layers_changed |= note_size(packet);
  return taken;
}

void Feed::keep_past(FeedPacket packet) {
  packet.starts_stream = packet.starts_stream && is_start(packet);
  ended_ = std::max(ended_, packet.number);
  frames_.note(packet);
  history_.put(packet);
  gop_.note(packet, history_);
}

void Feed::end_past(TimePoint now) {
  past_awaited_ = false;
  keep_gop(now);                                      // until who begins with it has caught up
  if (cached_start(now)) key_frames_.on_key_frame();  // who waits is served by it
}

}  // namespace simpul::relay
