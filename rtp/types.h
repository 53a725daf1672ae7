#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/strong_id.h"

namespace simpul::rtp {

using Ssrc = StrongId<struct SsrcTag, uint32_t>;
using PayloadType = StrongId<struct PayloadTypeTag, uint8_t>;

// Wraps at 2^16, so it has no order: unwrap before comparing or subtracting.
using SequenceNumber = StrongId<struct SequenceNumberTag, uint16_t>;

enum class MediaKind : uint8_t { kAudio, kVideo };
enum class Codec : uint8_t { kOpus, kRed, kVp8, kVp9, kH264, kAv1 };

std::string_view to_string(MediaKind kind);
// The encoding name of SDP: "opus", "red", "VP8", "VP9", "H264", "AV1".
std::string_view to_string(Codec codec);

// The 64-bit number that `wrapped` stands for: the one nearest to `reference`.
constexpr int64_t unwrap_near(int64_t reference, SequenceNumber wrapped) {
  const auto step = wrapped.value() - static_cast<uint16_t>(reference);
  return reference + static_cast<int16_t>(step);
}

// Extends wrapping sequence numbers to 64 bits, where order and distance exist.
class SequenceUnwrapper {
 public:
  int64_t unwrap(SequenceNumber wrapped) {
    last_ = last_ ? unwrap_near(*last_, wrapped) : int64_t{wrapped.value()};
    return *last_;
  }

 private:
  std::optional<int64_t> last_;
};

}  // namespace simpul::rtp
