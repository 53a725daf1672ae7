#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/parse_error.h"
#include "rtp/types.h"

namespace simpul::rtp {

// A RED payload (RFC 2198 §3): older blocks, then the primary one. All have to be of one payload
// type, as they are with Opus; what that type may be is the caller's to know, so RED inside RED is
// never looked into.
struct RedPayload {
  static constexpr size_t kRedundantMax = 32;  // blocks; browsers send one or two

  PayloadType block_type;
  uint16_t primary_offset = 0;  // in the payload; the primary block goes to its end, never empty

  // kTooShort when blocks run past the end, kMalformed when the types differ, when there are more
  // than kRedundantMax redundant blocks or when there is no primary one.
  [[nodiscard]] static Expected<RedPayload, ParseError> parse(Bytes payload);
};

}  // namespace simpul::rtp
