#include "rtp/extension_map.h"

#include <algorithm>

namespace simpul::rtp {
namespace {

// In the order of ExtensionKind.
constexpr std::array<std::string_view, kExtensionKinds> kUris = {
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "urn:ietf:params:rtp-hdrext:toffset",
    "urn:3gpp:video-orientation",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-content-type",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-timing",
    "http://www.webrtc.org/experiments/rtp-hdrext/color-space",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time",
    "http://www.webrtc.org/experiments/rtp-hdrext/video-layers-allocation00",
};

}  // namespace

std::string_view uri_of(ExtensionKind kind) { return kUris[static_cast<size_t>(kind)]; }

std::optional<ExtensionKind> extension_kind(std::string_view uri) {
  const auto found = std::ranges::find(kUris, uri);
  if (found == kUris.end()) return std::nullopt;
  return static_cast<ExtensionKind>(found - kUris.begin());
}

bool is_passed_on(ExtensionKind kind) {
  using enum ExtensionKind;
  switch (kind) {
    case kAudioLevel:
    case kVideoOrientation:
    case kPlayoutDelay:
    case kVideoContentType:
    case kVideoTiming:
    case kColorSpace:
    case kDependencyDescriptor:
    case kAbsCaptureTime:
      return true;
    case kMid:
    case kRid:
    case kRepairedRid:
    case kTransportSequence:
    case kAbsSendTime:
    case kTimeOffset:
    case kVideoLayersAllocation:  // tells what the publisher sends, not what we pass on of it
      return false;
  }
  return false;
}

void ExtensionMap::set(ExtensionKind kind, uint8_t id) { ids_[static_cast<size_t>(kind)] = id; }

std::optional<ExtensionKind> ExtensionMap::kind(uint8_t id) const {
  if (id == 0) return std::nullopt;
  const auto found = std::ranges::find(ids_, id);
  if (found == ids_.end()) return std::nullopt;
  return static_cast<ExtensionKind>(found - ids_.begin());
}

}  // namespace simpul::rtp
