#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/parse_error.h"
#include "rtp/types.h"

namespace simpul::rtp {

// The original sequence number in front of a retransmitted payload (RFC 4588 §4).
inline constexpr size_t kRtxHeadSize = 2;

struct RtxPayload {
  SequenceNumber original;
  Bytes payload;  // borrowed; may be empty
};

// Takes a retransmission's payload apart. An empty one (a probe of padding alone) has no
// original and is refused like one that is cut short.
Expected<RtxPayload, ParseError> unwrap_rtx(Bytes payload);

std::array<uint8_t, kRtxHeadSize> rtx_head(SequenceNumber original);

}  // namespace simpul::rtp
