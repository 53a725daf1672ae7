#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace simpul::rtp {

// The RTP header extensions that we know, by what they mean (RFC 8285 gives them ids per session).
enum class ExtensionKind : uint8_t {
  kMid,                // RFC 9143
  kRid,                // RFC 8852
  kRepairedRid,        // RFC 8852
  kAudioLevel,         // RFC 6464
  kTransportSequence,  // draft-holmer-rmcat-transport-wide-cc-extensions-01
  kAbsSendTime,
  kTimeOffset,        // RFC 5450
  kVideoOrientation,  // 3GPP TS 26.114
  kPlayoutDelay,
  kVideoContentType,
  kVideoTiming,
  kColorSpace,
  kDependencyDescriptor,
  kAbsCaptureTime,
  kVideoLayersAllocation,
};
inline constexpr size_t kExtensionKinds = 15;

std::string_view uri_of(ExtensionKind kind);
std::optional<ExtensionKind> extension_kind(std::string_view uri);

// Whether a receiver gets the extension as the sender wrote it. What identifies a packet to one
// transport (mid, rid, transport-wide sequence number, send times) is not passed on.
bool is_passed_on(ExtensionKind kind);

// The ids that one BUNDLE group negotiated; 0 is "not negotiated". Those above 14 need the two-byte
// form (RFC 8285 §4.3).
class ExtensionMap {
 public:
  void set(ExtensionKind kind, uint8_t id);
  uint8_t id(ExtensionKind kind) const { return ids_[static_cast<size_t>(kind)]; }
  std::optional<ExtensionKind> kind(uint8_t id) const;

  friend bool operator==(const ExtensionMap&, const ExtensionMap&) = default;

 private:
  std::array<uint8_t, kExtensionKinds> ids_{};
};

}  // namespace simpul::rtp
