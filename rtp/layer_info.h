#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace simpul::rtp {

// What tells a stream's layers apart: the codec's payload descriptor (RFC 7741, RFC 9628), or the
// dependency descriptor.
enum class Layering : uint8_t {
  kNone,
  kVp8,
  kVp9,
  kDependencies,
  kUnknown,  // it has a dependency descriptor, whose structure is not there
};

// What a frame is to a decode target (RTP Payload Format for AV1, appendix A).
enum class Indication : uint8_t { kNotPresent, kDiscardable, kSwitch, kRequired };

// Where the frame of one packet stands among the layers of its stream, and what it depends on. A
// picture is all frames of one timestamp; it has one frame of each spatial layer at most.
struct LayerInfo {
  static constexpr size_t kReferencesMax = 8;  // no codec has more

  Layering layering = Layering::kNone;  // none, unknown: the rest is not known
  uint8_t spatial = 0;
  uint8_t temporal = 0;
  uint8_t spatial_layers = 0;  // that a VP9 key picture tells of; 0: not told
  bool starts_frame = false;
  bool ends_frame = false;
  bool predicted = false;     // VP9: from earlier pictures
  bool inter_layer = false;   // VP9: from the spatial layer below
  bool used_above = true;     // the frames of higher spatial layers may need it
  bool switching_up = false;  // VP8: depends on the base layer alone; VP9: RFC 9628 §4.2, U

  // Of the dependency descriptor: the structure that it was read by, counted, so that indications
  // of another one are not mixed up with it.
  uint8_t structure = 0;
  uint8_t reference_count = 0;  // kReferencesMax + 1: more than can be told here
  uint16_t mask_at = 0;         // the bit where the active decode targets stand or would
  uint64_t indications = 0;     // two bits for each decode target, the first one lowest
  std::array<uint16_t, kReferencesMax> references{};  // how many frames back each one is

  Indication indication(size_t decode_target) const {
    return static_cast<Indication>(indications >> (2 * decode_target) & 3);
  }
};

}  // namespace simpul::rtp
