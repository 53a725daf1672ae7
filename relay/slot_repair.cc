// What a slot sends again, under the numbers that its receiver was sent.
#include <algorithm>
#include <utility>

#include "relay/publisher.h"
#include "relay/slot.h"

namespace simpul::relay {

void Slot::retransmit(const Nack& nack, const TrackIndex& tracks, TimePoint now,
                      std::vector<Retransmission>& out, Counters& counters) {
  if (!rtx_ssrc_) return;
  if (!retransmission_limit_) {
    retransmission_limit_ = std::make_unique<RetransmissionLimit>(now);
  }
  counters.retransmissions_refused += nack.missing.size();
  for (const auto sequence_number : nack.missing) {
    if (out.size() >= kRetransmissionsMax) return;
    const auto index = stream_.sent_index(sequence_number);
    auto sent = index && !is_of_no_use(*index) ? sent_under(*index, tracks, now) : std::nullopt;
    if (!sent) continue;
    const RetransmissionLimit::Request request = {.index = *index,
                                                  .size = sent->packet.media.payload_size,
                                                  .octets_sent = stream_.octets(),
                                                  .times_max = nack.times_max,
                                                  .round_trip = nack.round_trip};
    if (!retransmission_limit_->allow(request, now)) continue;
    --counters.retransmissions_refused;
    out.push_back(std::move(*sent));
  }
}

void Slot::give_back(const rtp::UnsentRepair& unsent) {
  const auto index = stream_.sent_index(unsent.sequence_number);
  if (index && retransmission_limit_) retransmission_limit_->give_back(*index, unsent.size);
}

std::optional<Retransmission> Slot::sent_under(uint64_t index, const TrackIndex& tracks,
                                               TimePoint now) {
  const auto origin = stream_.origin_of(index);
  if (!origin || !origin->segment->rtx_payload_type) return std::nullopt;
  const Segment& segment = *origin->segment;
  const auto track = tracks.find(segment.track);
  const auto number = origin->number_of(index);
  if (track == tracks.end() || !number) return std::nullopt;
  Feed& source = track->second->feeds()[segment.layer];
  source.expire(now);
  const FeedPacket* packet = source.history().find(*number);
  if (packet == nullptr || source.generation() != segment.generation) return std::nullopt;
  const auto placement = origin->placement_of(*packet);
  if (!placement) return std::nullopt;
  return Retransmission{
      .slot = this, .index = index, .packet = *packet, .segment = segment, .placement = *placement};
}

// RFC 4588 §4: the sequence number that it was sent with, then what was sent.
void Slot::write(const Retransmission& retransmission, std::vector<rtp::OutgoingPacket>& out) {
  rtp::OutgoingPacket packet;
  retransmission.segment.rewrite(retransmission.packet, retransmission.placement, packet);
  const auto original = packet.sequence_number();
  const auto head = packet.head;
  static_assert(sizeof(rtp::PayloadHead::bytes) == sizeof(packet.head));
  store_be16(std::span(packet.head).first<2>(), original.value());
  std::copy_n(head.begin(), head.size() - 2, packet.head.begin() + 2);
  packet.head_size = static_cast<uint8_t>(packet.head_size + 2);
  packet.timestamp = retransmission.segment.timestamp_of(retransmission.packet.media.timestamp);
  packet.index = rtx_index_++;
  packet.ssrc = *rtx_ssrc_;
  packet.payload_type = *retransmission.segment.rtx_payload_type;
  if (track_ != nullptr && track_->id() == retransmission.segment.track) {
    packet.clock_ahead = track_->publisher().clock.ahead();
  }
  out.push_back(packet);
}

}  // namespace simpul::relay
