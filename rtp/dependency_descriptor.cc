#include "rtp/dependency_descriptor.h"

#include <algorithm>

#include "rtp/bit_reader.h"

namespace simpul::rtp {
namespace {

constexpr size_t kFrameNumberAt = 1;
constexpr int kReferencesMax = 8;  // of one template; no codec has more

struct Structure {
  size_t templates = 0;
  uint32_t decode_targets = 0;
  uint32_t spatial_layers = 1;
};

// A.8.4, template_layers(): how each template's layer differs from the one before it.
bool read_layers(BitReader& reader, Structure& structure) {
  uint32_t spatial = 0;
  uint32_t temporal = 0;
  while (reader.ok()) {
    if (++structure.templates > DependencyDescriptor::kTemplatesMax) return false;
    const uint32_t next = reader.bits(2);
    if (next == 1) ++temporal;
    if (next == 2) {
      temporal = 0;
      ++spatial;
    }
    if (spatial > 3 || temporal > 7) return false;
    structure.spatial_layers = std::max(structure.spatial_layers, spatial + 1);
    if (next == 3) return true;
  }
  return true;  // cut off, which ok() tells
}

// template_dtis() and template_fdiffs().
bool skip_templates(BitReader& reader, const Structure& structure) {
  for (size_t i = 0; i < structure.templates && reader.ok(); ++i) {
    for (uint32_t target = 0; target < structure.decode_targets; ++target) reader.skip(2);
  }
  for (size_t i = 0; i < structure.templates && reader.ok(); ++i) {
    int references = 0;
    while (reader.flag()) {
      if (++references > kReferencesMax) return false;
      reader.skip(4);
    }
  }
  return true;
}

// template_chains().
void skip_chains(BitReader& reader, const Structure& structure) {
  const uint32_t chains = reader.non_symmetric(structure.decode_targets + 1);
  if (chains == 0) return;
  for (uint32_t i = 0; i < structure.decode_targets && reader.ok(); ++i) {
    (void)reader.non_symmetric(chains);
  }
  for (size_t i = 0; i < structure.templates && reader.ok(); ++i) {
    for (uint32_t chain = 0; chain < chains && reader.ok(); ++chain) reader.skip(4);
  }
}

// template_dependency_structure().
bool read_structure(BitReader& reader, DependencyDescriptor& descriptor) {
  reader.skip(6);  // template_id_offset
  Structure structure;
  structure.decode_targets = reader.bits(5) + 1;
  if (!read_layers(reader, structure) || !skip_templates(reader, structure)) return false;
  skip_chains(reader, structure);
  const bool has_resolutions = reader.flag();
  for (uint32_t i = 0; has_resolutions && i < structure.spatial_layers; ++i) {
    descriptor.width = static_cast<uint16_t>(std::min(reader.bits(16) + 1, 0xffffu));
    descriptor.height = static_cast<uint16_t>(std::min(reader.bits(16) + 1, 0xffffu));
  }
  descriptor.decode_targets = static_cast<uint8_t>(structure.decode_targets);
  descriptor.templates = static_cast<uint8_t>(structure.templates);
  return true;
}

}  // namespace

//      0                   1                   2
//      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3
//     +-+-+-----------+-------------------------------+
//     |S|E| template  |         frame number          |
//     +-+-+-+-+-+-----+-------------------------------+
//     |T|A|D|F|C|  then what the flags announce: template structure, active decode targets, ...
//     +-+-+-+-+-+
Expected<DependencyDescriptor, ParseError> DependencyDescriptor::parse(Bytes data) {
  if (data.size() < kSizeMin) return unexpected(ParseError::kTooShort);
  BitReader reader(data);
  DependencyDescriptor descriptor;
  descriptor.starts_frame = reader.flag();
  descriptor.ends_frame = reader.flag();
  descriptor.template_id = static_cast<uint8_t>(reader.bits(6));
  descriptor.frame_number = static_cast<uint16_t>(reader.bits(16));
  if (data.size() == kSizeMin) return descriptor;
  descriptor.has_structure = reader.flag();
  const bool has_active_targets = reader.flag();
  reader.skip(3);  // own targets, differences and chains, which need the structure to be read
  if (descriptor.has_structure) {
    if (!descriptor.starts_frame) return unexpected(ParseError::kMalformed);
    if (!read_structure(reader, descriptor)) return unexpected(ParseError::kMalformed);
    if (has_active_targets) reader.skip(descriptor.decode_targets);
  }
  if (!reader.ok()) return unexpected(ParseError::kTooShort);
  return descriptor;
}

void set_frame_number(MutableBytes descriptor, uint16_t frame_number) {
  store_be16(descriptor.subspan(kFrameNumberAt).first<2>(), frame_number);
}

}  // namespace simpul::rtp
