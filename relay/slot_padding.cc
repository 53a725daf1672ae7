// What a slot sends that its receiver knows already, so that a probe of the path has its bytes.
#include <algorithm>
#include <utility>

#include "relay/slot.h"

namespace simpul::relay {
namespace {

// What a packet has besides its payload: RTP header, extensions, tag.
constexpr size_t kOverhead = 40;
// A packet that is larger than so many times what is missing would make the probe too coarse.
constexpr size_t kTooLarge = 3;
constexpr uint8_t kPaddingSize = UINT8_MAX;

}  // namespace

std::optional<TimePoint> Slot::last_sent() const {
  return stream_.has_begun() ? std::optional(stream_.last().arrival) : std::nullopt;
}

// On the media's own SSRC padding would need a number between two packets of media.
bool Slot::can_pad() const {
  return rtx_ssrc_ && stream_.has_begun() && stream_.segment().rtx_payload_type;
}

// From the newest back: that is what may have been lost and not been asked for yet.
size_t Slot::repeat(const PaddingWish& wish, std::vector<Retransmission>& out) {
  size_t missing = wish.bytes;
  const uint64_t newest = stream_.last().index;
  const uint64_t oldest = newest > kRepeatedMax ? newest - kRepeatedMax + 1 : 1;
  for (uint64_t tries = 0; tries < kRepeatedMax && missing > 0; ++tries) {
    if (repeat_next_ < oldest || repeat_next_ > newest) repeat_next_ = newest;
    auto sent = sent_under(repeat_next_--, wish.tracks, wish.now);
    if (!sent || sent->placement.is_filler) continue;
    const size_t size = sent->packet.media.payload_size + kOverhead;
    if (size > kTooLarge * missing) break;
    missing -= std::min(missing, size);
    out.push_back(std::move(*sent));
  }
  return missing;
}

void Slot::write_padding(size_t bytes, std::vector<rtp::OutgoingPacket>& out) {
  constexpr size_t kSize = kOverhead + kPaddingSize;
  for (; bytes > 0 && out.size() < kPaddingPacketsMax; bytes -= std::min(bytes, kSize)) {
    rtp::OutgoingPacket& packet = out.emplace_back();
    packet.index = rtx_index_++;
    packet.timestamp = stream_.last().timestamp;
    packet.ssrc = *rtx_ssrc_;
    packet.payload_type = *stream_.segment().rtx_payload_type;
    packet.csrc = stream_.segment().track.value();
    packet.padding = kPaddingSize;
  }
}

}  // namespace simpul::relay
