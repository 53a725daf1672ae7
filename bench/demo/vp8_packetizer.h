#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace simpul::demo {

// Cuts encoded VP8 frames into RTP payloads, each with a descriptor of four bytes: S on the first
// one, and a picture id of 15 bits (RFC 7741 §4.2). All packets of a frame are about as large.
class Vp8Packetizer {
 public:
  static constexpr size_t kPayloadMax = 1100;  // descriptor included
  static constexpr size_t kDescriptorSize = 4;

  explicit Vp8Packetizer(uint16_t first_picture_id) : picture_id_(first_picture_id & 0x7fff) {}

  // Appends the payloads of one frame, which is not empty.
  void cut(Bytes frame, std::vector<std::vector<uint8_t>>& payloads);

 private:
  uint16_t picture_id_;
};

}  // namespace simpul::demo
