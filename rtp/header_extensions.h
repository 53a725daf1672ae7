#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"
#include "rtp/types.h"

namespace simpul::rtp {

// One element of a header extension block.
struct ExtensionElement {
  uint8_t id = 0;
  Bytes data;
};

// Walks the elements of a header extension block, one-byte or two-byte form by the block's
// profile (RFC 8285 §4.2, §4.3). Padding is skipped; in the one-byte form id 15 and id 0 with a
// length end the walk, and so do an element that runs past the end and a profile of another
// kind. An id may come twice: whoever reads decides which one counts.
class ExtensionReader {
 public:
  ExtensionReader(uint16_t profile, Bytes block);

  std::optional<ExtensionElement> next();

 private:
  std::optional<ExtensionElement> next_one_byte();
  std::optional<ExtensionElement> next_two_byte();

  Bytes rest_;
  bool two_byte_ = false;
};

// RFC 6464: `level` is in -dBov, 0 the loudest, 127 silence.
struct AudioLevel {
  bool voice = false;
  uint8_t level = 127;

  friend bool operator==(const AudioLevel&, const AudioLevel&) = default;
};

inline constexpr size_t kMidSizeMax = 64;
inline constexpr size_t kRidSizeMax = 16;

// Readers of an element's data; nothing when it is not what the kind prescribes.
std::optional<AudioLevel> read_audio_level(Bytes data);
std::optional<uint16_t> read_transport_sequence(Bytes data);

// abs-capture-time: when it was captured, by the clock of the system that did, and how far that
// clock is ahead of the sender's own, where the sender can tell. Both in 1/2^32 s.
struct CaptureTime {
  uint64_t ntp_time = 0;
  std::optional<int64_t> clock_ahead{};

  friend bool operator==(const CaptureTime&, const CaptureTime&) = default;
};
inline constexpr size_t kCaptureTimeSizeMax = 16;
std::optional<CaptureTime> read_capture_time(Bytes data);
// Returns the size: 8, or 16 with the clock's offset.
size_t write_capture_time(const CaptureTime& time, std::span<uint8_t, kCaptureTimeSizeMax> room);

// abs-send-time: the low 24 bits of the time in 1/2^18 s, by any clock.
inline constexpr size_t kSendTimeSize = 3;
std::array<uint8_t, kSendTimeSize> write_send_time(TimePoint time);

std::optional<std::string_view> read_mid(Bytes data);  // 1 to kMidSizeMax token characters
std::optional<std::string_view> read_rid(Bytes data);  // 1 to kRidSizeMax of A-Za-z0-9-_

inline constexpr uint16_t kOneByteProfile = 0xBEDE;

// Which forms the receiver takes in one stream: the two-byte one only beside the other (RFC 8285
// §6, extmap-allow-mixed).
enum class ExtensionForms : uint8_t { kOneByte, kMixed };

// Writes a whole block, with its 4-byte head and padded to a word, and returns its size: in
// one-byte form, or in two-byte form when an element needs it and it is allowed. Elements that the
// form cannot carry (one-byte: an id outside 1 to 14, a size outside 1 to 16) are left out. 0 when
// no element is left or `room` is too small: then the packet has no extension.
size_t write_extensions(std::span<const ExtensionElement> elements, MutableBytes room,
                        ExtensionForms forms = ExtensionForms::kOneByte);

}  // namespace simpul::rtp
