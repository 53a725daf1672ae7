// What a slot of sound repeats of what it sent, for receivers that lose packets.
#include <utility>

#include "relay/redundancy.h"
#include "relay/slot.h"

namespace simpul::relay {

// RED whose blocks are what Opus leaves as.
std::optional<Redundancy::Types> Slot::redundancy_types() const {
  for (const SlotCodec& red : codecs_) {
    if (red.format.codec != rtp::Codec::kRed) continue;
    for (const SlotCodec& opus : codecs_) {
      if (opus.format.codec != rtp::Codec::kOpus) continue;
      if (opus.payload_type.value() != red.format.profile) continue;
      return Redundancy::Types{.red = red.payload_type, .frames = opus.payload_type};
    }
  }
  return std::nullopt;
}

void Slot::set_redundancy(size_t frames) {
  if (frames == 0) return redundancy_.reset();
  if (redundancy_ == nullptr) {
    const auto types = redundancy_types();
    if (!types) return;
    redundancy_ = std::make_unique<Redundancy>(*types);
  }
  redundancy_->set_frames(frames);
}

void Slot::add_redundancy(std::span<rtp::OutgoingPacket> packets) {
  const size_t repeated = redundancy_->add_to(packets);
  stream_.note_more(repeated);
  octets_repeated_ += repeated;
}

size_t Slot::repeated_frames() const { return redundancy_ ? redundancy_->frames() : 0; }

uint32_t Slot::take_packets_to_report() {
  return stream_.packets() - std::exchange(packets_judged_, stream_.packets());
}

}  // namespace simpul::relay
