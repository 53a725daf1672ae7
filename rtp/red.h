#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

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

// A redundant block: so many ticks of the RTP clock older than the primary one.
struct RedBlock {
  static constexpr uint32_t kAgeMax = 0x3FFF;  // what 14 and 10 bits hold
  static constexpr size_t kSizeMax = 0x3FF;

  uint16_t age = 0;
  Bytes data;
};

// How many bytes write_red() needs.
size_t red_size(std::span<const RedBlock> older, Bytes primary);
// Writes a RED payload whose blocks are all of one type, the oldest first, and returns its size.
// Blocks are within RedBlock's limits, and the room is large enough.
size_t write_red(PayloadType block_type, std::span<const RedBlock> older, Bytes primary,
                 MutableBytes room);

}  // namespace simpul::rtp
