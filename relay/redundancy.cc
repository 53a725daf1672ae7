#include "relay/redundancy.h"

#include <algorithm>

namespace simpul::relay {

size_t Redundancy::add_to(std::span<rtp::OutgoingPacket> packets) {
  size_t made = 0;
  size_t added = 0;
  for (rtp::OutgoingPacket& packet : packets) {
    const Bytes frame = packet.body;
    if (packet.payload_type == types_.red) {
      const auto red = rtp::RedPayload::parse(frame);
      if (red) keep(packet, frame.subspan(red->primary_offset));
      continue;
    }
    if (packet.payload_type != types_.frames || frame.empty()) continue;
    const Blocks blocks = blocks_before(packet);
    if (!blocks.used().empty() && made < kAtOnceMax) {
      auto& payload = payloads_[made++];
      const size_t size = rtp::write_red(types_.frames, blocks.used(), frame, payload);
      packet.payload_type = types_.red;
      packet.body = Bytes(payload).first(size);
      added += size - frame.size();
    }
    keep(packet, frame);
  }
  return added;
}

void Redundancy::keep(const rtp::OutgoingPacket& packet, Bytes frame) {
  Kept& kept = kept_[packet.index % kept_.size()];
  if (kept.index > packet.index) return;  // it comes too late to be of use
  kept.index = packet.index;
  kept.timestamp = packet.timestamp;
  kept.csrc = packet.csrc;
  kept.size = frame.size() <= kFrameSizeMax ? frame.size() : 0;
  std::copy_n(frame.begin(), kept.size, kept.bytes.begin());
}

Redundancy::Blocks Redundancy::blocks_before(const rtp::OutgoingPacket& packet) const {
  Blocks blocks;
  for (uint64_t back = 1; back <= kReach && back < packet.index; ++back) {
    if (blocks.used().size() == frames_) break;
    const Kept& kept = kept_[(packet.index - back) % kept_.size()];
    // Who was heard before in this slot may be somebody else, in another room even.
    if (kept.index != packet.index - back || kept.size == 0 || kept.csrc != packet.csrc) continue;
    const uint32_t age = packet.timestamp - kept.timestamp;
    if (age == 0 || age > rtp::RedBlock::kAgeMax) continue;
    blocks.all[--blocks.first] = {.age = static_cast<uint16_t>(age),
                                  .data = Bytes(kept.bytes).first(kept.size)};
    if (rtp::red_size(blocks.used(), packet.body) > kPayloadMax) {
      ++blocks.first;
      break;
    }
  }
  return blocks;
}

}  // namespace simpul::relay
