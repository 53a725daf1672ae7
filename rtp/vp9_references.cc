#include "rtp/vp9_references.h"

#include <algorithm>
#include <span>

namespace simpul::rtp {

void Vp9References::correct(Vp9Descriptor& descriptor) {
  if (!descriptor.flexible || !descriptor.has_layers || !descriptor.picture_id) return;
  if (!note(descriptor)) return;
  const uint8_t own = layer_of(*descriptor.picture_id);
  for (uint8_t& back : std::span(descriptor.references).first(descriptor.reference_count)) {
    if (back < 2) continue;
    const auto id = static_cast<uint16_t>(*descriptor.picture_id - back);
    const uint8_t next = layer_of(static_cast<uint16_t>(id + 1));
    if (layer_of(id) <= own || next == kUnknown || next > own) continue;
    --back;
    descriptor.are_references_corrected = true;
  }
}

bool Vp9References::note(const Vp9Descriptor& descriptor) {
  const uint16_t mask = descriptor.long_picture_id ? 0x7FFF : 0x7F;
  const uint16_t id = *descriptor.picture_id;
  const auto step = static_cast<uint16_t>((id - newest_.value_or(id)) & mask);
  const bool is_late = step > mask / 2;
  if (is_late && ((*newest_ - id) & mask) >= kPictures) return false;
  if (!is_late) {
    for (uint16_t i = 0; i < std::min(step, kPictures); ++i) {
      layer_of(static_cast<uint16_t>(id - i)) = kUnknown;
    }
    if (id != newest_ && descriptor.key_frame()) layers_.fill(kBeforeKeyPicture);
    newest_ = id;
  }
  layer_of(id) = static_cast<uint8_t>(descriptor.temporal_id + 1);
  return true;
}

}  // namespace simpul::rtp
