#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace simpul::peer {

// Encoded sound that is played over and over: Opus packets of 20 ms, one after the other in one
// piece of memory, that any number of sources read from.
struct SoundClip {
  struct Packet {
    uint32_t at = 0;      // of its bytes
    uint16_t size = 0;    // 0: nothing is sent (discontinuous transmission)
    uint8_t level = 127;  // RFC 6464: in -dBov
    bool voice = false;
  };
  std::vector<Packet> packets;
  std::vector<uint8_t> bytes;

  Bytes payload(const Packet& packet) const { return Bytes(bytes).subspan(packet.at, packet.size); }
};

}  // namespace simpul::peer
