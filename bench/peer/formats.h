#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "rtp/extension_map.h"
#include "rtp/types.h"

// The numbers that every offer of a peer uses.
namespace simpul::peer {

inline constexpr rtp::PayloadType kOpusPayloadType{111};
inline constexpr rtp::PayloadType kVp8PayloadType{96};
inline constexpr rtp::PayloadType kRtxPayloadType{97};  // of VP8

struct VideoFormat {
  rtp::Codec codec;
  rtp::PayloadType payload_type;
  rtp::PayloadType rtx;
};
inline constexpr std::array<VideoFormat, 4> kVideoFormats = {{
    {rtp::Codec::kVp8, kVp8PayloadType, kRtxPayloadType},
    {rtp::Codec::kVp9, rtp::PayloadType(98), rtp::PayloadType(99)},
    {rtp::Codec::kH264, rtp::PayloadType(102), rtp::PayloadType(103)},
    {rtp::Codec::kAv1, rtp::PayloadType(45), rtp::PayloadType(46)},
}};

// The first one for what is no video.
constexpr const VideoFormat& format_of(rtp::Codec codec) {
  for (const VideoFormat& format : kVideoFormats) {
    if (format.codec == codec) return format;
  }
  return kVideoFormats[0];
}

constexpr bool is_rtx(rtp::PayloadType payload_type) {
  for (const VideoFormat& format : kVideoFormats) {
    if (format.rtx == payload_type) return true;
  }
  return false;
}

constexpr bool is_video(rtp::PayloadType payload_type) {
  for (const VideoFormat& format : kVideoFormats) {
    if (format.payload_type == payload_type) return true;
  }
  return false;
}

// Ids of header extensions; 0: never offered.
inline constexpr uint8_t kAudioLevelExtension = 1;
inline constexpr uint8_t kTransportSequenceExtension = 3;
inline constexpr uint8_t kMidExtension = 4;
inline constexpr uint8_t kRidExtension = 10;
inline constexpr uint8_t kRepairedRidExtension = 11;

constexpr uint8_t extension_id(rtp::ExtensionKind kind) {
  using enum rtp::ExtensionKind;
  switch (kind) {
    case kMid:
      return kMidExtension;
    case kRid:
      return kRidExtension;
    case kRepairedRid:
      return kRepairedRidExtension;
    case kAudioLevel:
      return kAudioLevelExtension;
    case kTransportSequence:
      return kTransportSequenceExtension;
    case kAbsSendTime:
      return 2;
    case kVideoOrientation:
      return 13;
    case kPlayoutDelay:
      return 5;
    case kVideoContentType:
      return 6;
    case kVideoTiming:
      return 7;
    case kColorSpace:
      return 8;
    case kDependencyDescriptor:
      return 12;
    case kTimeOffset:
      return 14;
    case kAbsCaptureTime:
    case kVideoLayersAllocation:
      return 0;
  }
  return 0;
}

}  // namespace simpul::peer
