#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace simpul::ice {

enum class DatagramKind : uint8_t { kStun, kDtls, kRtp, kRtcp, kUnknown };

// What a datagram on a shared port is, by its first byte (RFC 7983 §7); RTP from RTCP by the
// second (RFC 5761 §4). ZRTP, TURN channels, QUIC and the unassigned rest are unknown: nobody
// here speaks them. Says nothing about whether the bytes are well formed.
constexpr DatagramKind classify(Bytes datagram) {
  if (datagram.size() < 2) return DatagramKind::kUnknown;
  const uint8_t first = datagram[0];
  if (first <= 3) return DatagramKind::kStun;
  if (first >= 20 && first <= 63) return DatagramKind::kDtls;
  if (first < 128 || first > 191) return DatagramKind::kUnknown;
  return datagram[1] >= 192 && datagram[1] <= 223 ? DatagramKind::kRtcp : DatagramKind::kRtp;
}

}  // namespace simpul::ice
