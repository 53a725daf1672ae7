#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/dependency_structure.h"
#include "rtp/layer_info.h"
#include "rtp/parse_error.h"

namespace simpul::rtp {

// The dependency descriptor of one packet (RTP Payload Format for AV1, appendix A), as far as it
// can be read without what earlier packets told: the mandatory fields, and a template structure
// when one comes with it, which it does with key frames.
struct DependencyDescriptor {
  static constexpr size_t kTemplatesMax = DependencyStructure::kTemplatesMax;
  static constexpr size_t kSizeMin = 3;

  bool starts_frame = false;
  bool ends_frame = false;
  uint8_t template_id = 0;
  uint16_t frame_number = 0;
  bool has_structure = false;
  uint8_t decode_targets = 0;  // of the structure, 1 to 32
  uint8_t templates = 0;       // 1 to kTemplatesMax
  uint16_t width = 0;          // 0 when the structure tells none
  uint16_t height = 0;

  bool key_frame() const { return starts_frame && has_structure; }

  // kTooShort when it is cut off; kMalformed for a structure with layers out of range, with more
  // than kTemplatesMax templates, or on a packet that does not start a frame.
  [[nodiscard]] static Expected<DependencyDescriptor, ParseError> parse(Bytes data);
};

// Reads the dependency descriptors of one stream, and keeps the structure that the last key frame
// brought for those that follow.
class DependencyReader {
 public:
  // Like DependencyDescriptor::parse(). What the frame depends on goes into `info`; nothing does
  // before a structure came, for a template of another one, and when the rest is malformed.
  Expected<DependencyDescriptor, ParseError> read(Bytes data, LayerInfo& info);

  // Null before the first.
  const DependencyStructure* structure() const { return structure_ ? &*structure_ : nullptr; }
  // As LayerInfo counts them.
  uint8_t structure_count() const { return count_; }
  // The decode targets that the sender says it sends.
  uint32_t active_targets() const { return active_; }

 private:
  void keep(DependencyStructure structure, uint16_t frame_number);
  static uint64_t read_indications(BitReader& reader, const DependencyStructure& structure);
  void set_active(uint32_t mask, uint16_t frame_number);

  std::optional<DependencyStructure> structure_;
  std::optional<DependencyStructure> before_;  // for packets that come late
  uint8_t count_ = 0;
  uint16_t structure_frame_ = 0;  // the frame number that it came with
  uint32_t active_ = 0;
  uint16_t active_frame_ = 0;
};

// What a receiver is told in place of what the sender wrote.
struct ActiveTargets {
  uint32_t mask = 0;
  uint8_t count = 0;     // of decode targets; 0: the descriptor's own go unchanged
  uint16_t mask_at = 0;  // LayerInfo::mask_at
};

// Writes a descriptor that parsed with another frame number and other active decode targets, and
// returns its size. Where there is no room for these, they are left as they were; `room` has the
// descriptor's own size at least.
size_t rewrite_descriptor(Bytes descriptor, uint16_t frame_number, const ActiveTargets& active,
                          MutableBytes room);

}  // namespace simpul::rtp
