#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rtp/bit_reader.h"
#include "rtp/layer_info.h"
#include "rtp/picture_size.h"

namespace simpul::rtp {

// The template dependency structure of a stream (RTP Payload Format for AV1, A.8.4): what the
// frames of each template are to the decode targets and refer to. Chains are read past: what they
// tell is told by references too (relay/frame_references.h).
struct DependencyStructure {
  static constexpr size_t kTemplatesMax = 64;
  static constexpr size_t kTargetsMax = 32;
  static constexpr size_t kSpatialMax = 4;
  static constexpr size_t kTemporalMax = 8;

  struct Template {
    uint8_t spatial = 0;
    uint8_t temporal = 0;
    uint8_t reference_count = 0;
    uint64_t indications = 0;
    std::array<uint16_t, LayerInfo::kReferencesMax> references{};
  };
  // A decode target: the highest layers of its frames, and whose frames are all among its own.
  struct Target {
    uint8_t spatial = 0;
    uint8_t temporal = 0;
    uint32_t contained = 0;  // bits, its own included
  };

  uint8_t template_offset = 0;
  uint8_t target_count = 0;
  uint8_t chain_count = 0;
  uint8_t spatial_layers = 1;
  uint8_t temporal_layers = 1;
  uint16_t width = 0;  // of the largest layer; 0 when it is not told
  uint16_t height = 0;
  SpatialSizes sizes{};  // of each layer, the largest included
  std::vector<Template> templates;
  std::array<Target, kTargetsMax> targets{};

  // False when it cannot be: layers out of range, more than kTemplatesMax templates, references
  // without end. What is cut off makes the reader not ok.
  bool read(BitReader& reader);

  // Null when the id is not of this structure.
  const Template* find(uint8_t template_id) const;
  // Whether a target of higher spatial layers has the frame too.
  bool is_used_above(const LayerInfo& frame) const;
  uint32_t all_targets() const {
    return target_count == kTargetsMax ? ~uint32_t{0} : (uint32_t{1} << target_count) - 1;
  }

 private:
  bool read_layers(BitReader& reader);
  bool read_templates(BitReader& reader);
  void skip_chains(BitReader& reader);
  void describe_targets();
};

}  // namespace simpul::rtp
