#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "rtp/types.h"

namespace simpul::rtp {

// H.264 profiles, as far as one contains another; the others are told apart by their profile_idc.
inline constexpr uint8_t kH264Baseline = 66;  // plain and constrained: encoders make only that
inline constexpr uint8_t kH264Main = 77;
inline constexpr uint8_t kH264High = 100;
inline constexpr uint8_t kH264ConstrainedHigh = 0;  // has no profile_idc of its own

// What a payload type stands for, beyond the codec's name.
struct CodecFormat {
  Codec codec = Codec::kOpus;
  // VP9's profile-id, AV1's profile, one of H.264's; of RED the payload type of its blocks.
  uint8_t profile = 0;
  uint8_t packetization_mode = 0;  // H.264's

  friend bool operator==(const CodecFormat&, const CodecFormat&) = default;
};

// The six hexadecimal digits of H.264's profile-level-id (RFC 6184 §8.1) as a profile. The level
// is left out: it is no reason to refuse anything, for both ends may send what they like
// (level-asymmetry-allowed).
std::optional<uint8_t> h264_profile(std::string_view profile_level_id);

// Whether packets of one format can be sent to a receiver under a payload type of another, and how
// far that is from an exact match: 0 is exact. RED is a codec of its own here.
std::optional<int> distance(const CodecFormat& sent, const CodecFormat& received);

}  // namespace simpul::rtp
