#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/parse_error.h"

namespace simpul::rtp {

// The aggregation header of an AV1 payload (RTP Payload Format for AV1 §4.4) and the sizes of the
// OBU elements behind it. Of the OBUs themselves only a sequence header's picture size is read.
struct Av1Payload {
  static constexpr size_t kElementsMax = 64;  // of W = 0, where their number is not told

  bool continues = false;        // Z: the first element goes on from the packet before
  bool is_continued = false;     // Y: the last one goes on in the next packet
  bool starts_sequence = false;  // N: the first packet of a coded video sequence, a key frame's
  size_t elements = 0;
  uint16_t width = 0;  // by the sequence header; 0 without one in front of the packet
  uint16_t height = 0;

  // kTooShort when elements run past the end, kMalformed for lengths without an end, an empty
  // payload, and a packet that both begins a sequence and continues an OBU.
  [[nodiscard]] static Expected<Av1Payload, ParseError> parse(Bytes payload);
};

}  // namespace simpul::rtp
