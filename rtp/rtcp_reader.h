#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/parse_error.h"
#include "rtp/rtcp.h"

namespace simpul::rtp {

// Whether a datagram whose first byte says RTP or RTCP is RTCP (RFC 5761 §4).
bool is_rtcp(Bytes datagram);

// Walks a compound RTCP packet (RFC 3550 §6.1), reduced-size ones too (RFC 5506). What comes
// before a fault is given out; next() then ends and error() tells what was wrong. At most
// kPacketsMax packets are read, the rest of the datagram counts as a fault.
class RtcpReader {
 public:
  static constexpr size_t kPacketsMax = 64;

  explicit RtcpReader(Bytes compound) : rest_(compound) {}

  std::optional<RtcpPacket> next();
  std::optional<ParseError> error() const { return error_; }

 private:
  Expected<RtcpPacket, ParseError> read_packet();

  Bytes rest_;
  size_t packets_ = 0;
  std::optional<ParseError> error_;
};

}  // namespace simpul::rtp
