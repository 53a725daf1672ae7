#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"

namespace simpul::peer {

// What a MediaSource writes into each payload, so that whoever gets it can tell which packet of
// which source it is, when it was made, and whether these are the bytes that were made.
struct MediaStamp {
  uint32_t source = 0;  // the SSRC that it was made with
  uint32_t number = 0;  // packets that the source made before this one
  TimePoint made_at{};
  uint16_t frame_packets = 1;  // of which its frame consists
  bool key_frame = false;
};

inline constexpr size_t kStampSize = 32;
// Where the stamp is in a payload. What comes before it in video, the descriptor, is rewritten on
// the way; all else is covered by the check value.
inline constexpr size_t kAudioStampAt = 1;
inline constexpr size_t kVideoDescriptorSize = 4;  // X, I, and 15 bits of picture id (RFC 7741)
inline constexpr size_t kVp8HeaderSize = 10;       // of a key frame (RFC 6386 §9.1)
inline constexpr size_t kVideoStampAt = kVideoDescriptorSize + kVp8HeaderSize;

// The payload is complete but for the stamp, for which it has room.
void write_stamp(const MediaStamp& stamp, bool is_video, MutableBytes payload);

// Nothing when the payload is not as a source made it.
std::optional<MediaStamp> read_stamp(Bytes payload, bool is_video);

}  // namespace simpul::peer
