#include "relay/frame_references.h"

#include <algorithm>

namespace simpul::relay {

void FrameReferences::note(const FeedPacket& packet) {
  const rtp::LayerInfo& layers = packet.payload.layers;
  if (!packet.payload.frame_number || layers.layering != rtp::Layering::kDependencies) return;
  const uint16_t number = *packet.payload.frame_number;
  if (frames_.empty()) {
    frames_.resize(kFramesKept);
    newest_ = static_cast<uint16_t>(number - 1);
    kept_ = 0;
  }
  const auto ahead = static_cast<int16_t>(number - newest_);
  for (int i = 1; i <= std::min<int>(ahead, kFramesKept); ++i) {
    frames_[static_cast<uint16_t>(number - ahead + i) % kFramesKept] = {};
  }
  if (ahead > 0) {
    newest_ = number;
    kept_ =
        static_cast<uint16_t>(std::min<size_t>(kept_ + static_cast<size_t>(ahead), kFramesKept));
  } else if (!is_kept(number)) {
    return;
  }
  Frame& frame = frames_[number % kFramesKept];
  frame.number = number;
  ++frame.packets;
  if (layers.ends_frame) frame.last = packet.number;
  if (!layers.starts_frame) return;
  frame.first = packet.number;
  frame.reference_count = std::min<uint8_t>(layers.reference_count, rtp::LayerInfo::kReferencesMax);
  frame.references = layers.references;
}

}  // namespace simpul::relay
