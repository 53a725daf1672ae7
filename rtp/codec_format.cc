#include "rtp/codec_format.h"

#include <charconv>

namespace simpul::rtp {
namespace {

constexpr uint32_t kConstraint0 = 0x80;  // of profile-iop: keeps to the baseline too
constexpr uint32_t kConstraints45 = 0x0c;

// Every stream of `inner` is one of `outer` too (H.264 annex A.2).
bool contains(uint8_t outer, uint8_t inner) {
  if (outer == inner) return true;
  switch (inner) {
    case kH264Baseline:
      return outer == kH264Main || outer == kH264ConstrainedHigh || outer == kH264High;
    case kH264Main:
    case kH264ConstrainedHigh:
      return outer == kH264High;
    default:
      return false;
  }
}

// A receiver of mode 1 takes the single NAL units of mode 0 (RFC 6184 §6.3), not the other way.
std::optional<int> h264_distance(const CodecFormat& sent, const CodecFormat& received) {
  if (sent.packetization_mode > received.packetization_mode) return std::nullopt;
  if (!contains(received.profile, sent.profile)) return std::nullopt;
  const int mode = received.packetization_mode - sent.packetization_mode;
  return mode * 2 + (sent.profile == received.profile ? 0 : 1);
}

}  // namespace

std::optional<uint8_t> h264_profile(std::string_view profile_level_id) {
  uint32_t value = 0;
  const char* const end = profile_level_id.data() + profile_level_id.size();
  const auto [rest, error] = std::from_chars(profile_level_id.data(), end, value, 16);
  if (profile_level_id.size() != 6 || error != std::errc() || rest != end) return std::nullopt;
  const auto profile = static_cast<uint8_t>(value >> 16);
  const uint32_t constraints = value >> 8 & 0xff;
  if (profile == kH264Main && (constraints & kConstraint0) != 0) {
    return kH264Baseline;
  }
  if (profile == kH264High && (constraints & kConstraints45) == kConstraints45) {
    return kH264ConstrainedHigh;
  }
  if (profile == kH264ConstrainedHigh) return std::nullopt;
  return profile;
}

std::optional<int> distance(const CodecFormat& sent, const CodecFormat& received) {
  if (sent.codec != received.codec) return std::nullopt;
  switch (sent.codec) {
    case Codec::kOpus:
    case Codec::kRed:
    case Codec::kVp8:
      return 0;
    case Codec::kVp9:
      // Each profile has its own sampling and depth.
      return sent.profile == received.profile ? std::optional(0) : std::nullopt;
    case Codec::kAv1:
      // A decoder of a higher profile takes the lower ones (AV1 §6.4.1).
      if (sent.profile > received.profile) return std::nullopt;
      return received.profile - sent.profile;
    case Codec::kH264:
      return h264_distance(sent, received);
  }
  return std::nullopt;
}

}  // namespace simpul::rtp
