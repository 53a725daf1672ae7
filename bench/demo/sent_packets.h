#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "rtp/types.h"

namespace simpul::demo {

struct SentPacket {
  uint64_t index = 0;  // rollover counter and sequence number
  uint32_t timestamp = 0;
  bool marker = false;
  std::vector<uint8_t> payload;  // empty: none
};

// The last packets of a stream, for those who ask for one again (RFC 4585 §6.2.1).
class SentPackets {
 public:
  static constexpr size_t kPacketsMax = 512;  // some four seconds of video

  void add(SentPacket packet) { ring_[packet.index % kPacketsMax] = std::move(packet); }

  // Null when it is gone or never was.
  const SentPacket* find(rtp::SequenceNumber number) const {
    const SentPacket& packet = ring_[number.value() % kPacketsMax];
    const bool found =
        !packet.payload.empty() && static_cast<uint16_t>(packet.index) == number.value();
    return found ? &packet : nullptr;
  }

 private:
  std::array<SentPacket, kPacketsMax> ring_;
};

}  // namespace simpul::demo
