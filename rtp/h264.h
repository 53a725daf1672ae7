#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/parse_error.h"
#include "rtp/picture_size.h"

namespace simpul::rtp {

// What one RTP payload of H.264 holds (RFC 6184 §5.2): a NAL unit, a STAP-A or a piece of a unit
// (FU-A), as packetization modes 0 and 1 have them. Nothing beyond the packet is looked at.
struct H264Payload {
  static constexpr size_t kUnitsMax = 64;  // in one STAP-A

  // What it brings of a picture that a receiver can begin with. Encoders put sequence parameters in
  // front of such a picture, in packets of their own as they like, and some in front of others too:
  // only with the IDR picture behind them they are a place to begin.
  bool has_parameters = false;  // sequence parameters begin here
  bool has_idr = false;         // an IDR picture, or a piece of one
  bool has_slice = false;       // another picture, or a piece of one
  bool starts_unit = false;     // not in the middle of a fragmented unit
  uint16_t width = 0;  // told by the sequence parameters; 0 without, or when they cannot be read
  uint16_t height = 0;

  // kTooShort when lengths run past the end, kMalformed for the unit types of the interleaved mode
  // (25 to 27, 29), reserved ones and contradictions.
  [[nodiscard]] static Expected<H264Payload, ParseError> parse(Bytes payload);

  // Parameters and their picture in one.
  bool key_frame() const { return has_parameters && has_idr; }
};

// The cropped size that a sequence parameter set (H.264 §7.3.2.1.1), without its NAL header, tells.
// kMalformed for what no picture can be: more than 16,384 pixels a side, or none.
Expected<PictureSize, ParseError> read_sequence_parameters(Bytes set);

}  // namespace simpul::rtp
