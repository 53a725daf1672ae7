#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/expected.h"
#include "rtp/parse_error.h"
#include "rtp/picture_numbers.h"

namespace simpul::rtp {

// The VP8 payload descriptor (RFC 7741 §4.2) and what is read of the frame behind it (§4.3,
// RFC 6386 §9.1).
struct Vp8Descriptor {
  bool non_reference = false;       // N: may be dropped without harm to other frames
  bool start_of_partition = false;  // S
  uint8_t partition = 0;            // PID
  bool long_picture_id = false;     // M: 15 bits
  std::optional<uint16_t> picture_id;
  std::optional<uint8_t> tl0_pic_idx;
  std::optional<uint8_t> temporal_id;
  bool layer_sync = false;  // Y
  std::optional<uint8_t> key_idx;
  uint8_t size = 0;  // of the descriptor

  // True for the first packet of a key frame: it starts partition 0 and holds the ten bytes that a
  // key frame begins with, start code included. The P bit alone does not count: where the frame is
  // encrypted end to end it is as good as random.
  bool key_frame = false;
  uint16_t width = 0;  // of a key frame
  uint16_t height = 0;

  bool starts_frame() const { return start_of_partition && partition == 0; }

  // kTooShort when the descriptor is cut off; a payload of only a descriptor is legal.
  [[nodiscard]] static Expected<Vp8Descriptor, ParseError> parse(Bytes payload);

  PictureNumbers numbers() const;

  // The same descriptor with other numbers, in the fields and sizes that it has (a 7-bit picture
  // id stays one and takes the low bits).
  PayloadHead with_numbers(const PictureNumbers& numbers) const;
};

}  // namespace simpul::rtp
