#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/packet.h"

namespace simpul::net {

inline constexpr size_t kFrameHeaderSize = 2;
// Of RTP, the fixed header. Nothing that such a stream carries is smaller: a check has 20 bytes, a
// record of DTLS 13, RTCP with its tag more.
inline constexpr size_t kFrameSizeMin = 12;

struct FrameStatistics {
  uint64_t frames = 0;             // handed over
  uint64_t bytes = 0;              // of these, without their headers
  uint64_t dropped_no_packet = 0;  // the pool was dry
  uint64_t dropped_too_large = 0;  // longer than kPacketCapacity
  uint64_t dropped_runt = 0;       // shorter than kFrameSizeMin, but not empty

  // Frames that could be no packet, whatever is in them.
  uint64_t unusable() const { return dropped_too_large + dropped_runt; }
};

// Cuts what a TCP stream brings into packets (RFC 4571 §2), however the network has cut it:
//
//   | length, 16 bits | that many bytes | length ...
//
// A frame that no packet can hold, or that can be no packet, is counted and skipped, and takes no
// memory; one without a byte is nothing. At most one packet is held, for the frame that has not
// come whole.
class FrameReader {
 public:
  // Appends the packets that `input` completes, `packets_max` at most, and returns what it left
  // when that was reached: the next read() goes on with it.
  Bytes read(Bytes input, PacketPool& pool, std::vector<PacketRef>& packets,
             FrameStatistics& statistics, size_t packets_max = SIZE_MAX);

 private:
  Bytes skip_runts(Bytes input, FrameStatistics& statistics) const;
  Bytes take_header(Bytes input, PacketPool& pool, FrameStatistics& statistics);
  Bytes take_body(Bytes input, std::vector<PacketRef>& packets, FrameStatistics& statistics);

  std::array<uint8_t, kFrameHeaderSize> header_{};
  size_t header_size_ = 0;  // what has come of it
  size_t body_left_ = 0;    // what has not come of the frame
  PacketRef packet_;        // null: the frame is skipped
};

}  // namespace simpul::net
