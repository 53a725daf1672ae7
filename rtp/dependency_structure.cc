#include "rtp/dependency_structure.h"

#include <algorithm>

namespace simpul::rtp {

bool DependencyStructure::read(BitReader& reader) {
  template_offset = static_cast<uint8_t>(reader.bits(6));
  target_count = static_cast<uint8_t>(reader.bits(5) + 1);
  if (!read_layers(reader) || !read_templates(reader)) return false;
  skip_chains(reader);
  const bool has_resolutions = reader.flag();
  for (uint8_t i = 0; has_resolutions && i < spatial_layers; ++i) {
    width = static_cast<uint16_t>(std::min(reader.bits(16) + 1, 0xffffu));
    height = static_cast<uint16_t>(std::min(reader.bits(16) + 1, 0xffffu));
    sizes[i] = {.width = width, .height = height};
  }
  if (reader.ok()) describe_targets();
  return true;
}

// A.8.4, template_layers(): how each template's layer differs from the one before it.
bool DependencyStructure::read_layers(BitReader& reader) {
  uint8_t spatial = 0;
  uint8_t temporal = 0;
  while (reader.ok()) {
    if (templates.size() == kTemplatesMax) return false;
    templates.push_back({.spatial = spatial, .temporal = temporal});
    const uint32_t next = reader.bits(2);
    if (next == 1) ++temporal;
    if (next == 2) {
      temporal = 0;
      ++spatial;
    }
    if (spatial >= kSpatialMax || temporal >= kTemporalMax) return false;
    spatial_layers = std::max(spatial_layers, static_cast<uint8_t>(spatial + 1));
    temporal_layers = std::max(temporal_layers, static_cast<uint8_t>(temporal + 1));
    if (next == 3) return true;
  }
  return true;  // cut off, which ok() tells
}

// template_dtis() and template_fdiffs().
bool DependencyStructure::read_templates(BitReader& reader) {
  for (Template& one : templates) {
    for (int target = 0; target < target_count && reader.ok(); ++target) {
      one.indications |= uint64_t{reader.bits(2)} << (2 * target);
    }
  }
  for (Template& one : templates) {
    while (reader.flag()) {
      if (one.reference_count == one.references.size()) return false;
      one.references[one.reference_count++] = static_cast<uint16_t>(reader.bits(4) + 1);
    }
  }
  return true;
}

// template_chains().
void DependencyStructure::skip_chains(BitReader& reader) {
  chain_count = static_cast<uint8_t>(reader.non_symmetric(target_count + uint32_t{1}));
  if (chain_count == 0) return;
  for (int i = 0; i < target_count && reader.ok(); ++i) (void)reader.non_symmetric(chain_count);
  for (size_t i = 0; i < templates.size() && reader.ok(); ++i) {
    for (int chain = 0; chain < chain_count && reader.ok(); ++chain) reader.skip(4);
  }
}

// decode_target_layers(), and which targets lie inside of which.
void DependencyStructure::describe_targets() {
  constexpr uint64_t kLowBits = 0x5555'5555'5555'5555;
  std::array<uint32_t, kTargetsMax> outside{};  // targets with frames that this one has not
  for (const Template& one : templates) {
    const uint64_t present = (one.indications | one.indications >> 1) & kLowBits;
    uint32_t having = 0;
    for (size_t i = 0; i < target_count; ++i) having |= (present >> (2 * i) & 1u) << i;
    for (size_t i = 0; i < target_count; ++i) {
      if ((having >> i & 1) == 0) {
        outside[i] |= having;
        continue;
      }
      targets[i].spatial = std::max(targets[i].spatial, one.spatial);
      targets[i].temporal = std::max(targets[i].temporal, one.temporal);
    }
  }
  for (size_t i = 0; i < target_count; ++i) targets[i].contained = all_targets() & ~outside[i];
}

bool DependencyStructure::is_used_above(const LayerInfo& frame) const {
  for (size_t i = 0; i < target_count; ++i) {
    if (targets[i].spatial > frame.spatial && frame.indication(i) != Indication::kNotPresent) {
      return true;
    }
  }
  return false;
}

const DependencyStructure::Template* DependencyStructure::find(uint8_t template_id) const {
  const size_t at = (template_id + kTemplatesMax - template_offset) % kTemplatesMax;
  return at < templates.size() ? &templates[at] : nullptr;
}

}  // namespace simpul::rtp
