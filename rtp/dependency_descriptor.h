#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/parse_error.h"

namespace simpul::rtp {

// The dependency descriptor of one packet (RTP Payload Format for AV1, appendix A), as far as it
// can be read without what earlier packets told: the mandatory fields, and a template structure
// when one comes with it, which it does with key frames. The structure is checked to its end, then
// only its largest picture is kept: streams are forwarded whole.
struct DependencyDescriptor {
  static constexpr size_t kTemplatesMax = 64;
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

// Writes another frame number over the one of a descriptor that parsed.
void set_frame_number(MutableBytes descriptor, uint16_t frame_number);

}  // namespace simpul::rtp
