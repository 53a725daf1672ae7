#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace simpul::peer {

// What a MediaSource writes into each payload, so that whoever gets it can tell which packet of
// which source it is, when it was sent, and whether these are the bytes that were made.
struct MediaStamp {
  uint32_t source = 0;  // the SSRC that it was made with
  uint32_t number = 0;  // packets that the source made before this one
  TimePoint made_at{};
  uint16_t frame = 0;          // of the source's, wraps
  uint16_t frame_packets = 1;  // of which its frame consists
  uint8_t depends_on = 0;      // so many frames back is the one that it builds on; 0: on none
  uint8_t head_size = 0;       // bytes in front, a descriptor, that are rewritten on the way
  bool key_frame = false;
};

// The stamp is the end of the payload: of a piece of a frame that means nothing anyway, or of
// Opus's own padding.
inline constexpr size_t kStampSize = 24;

// The payload is complete but for the stamp, for which it has room at its end.
void write_stamp(const MediaStamp& stamp, MutableBytes payload);

// Nothing when the payload is not as a source made it.
std::optional<MediaStamp> read_stamp(Bytes payload);

}  // namespace simpul::peer
