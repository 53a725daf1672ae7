#pragma once

#include <cstddef>
#include <cstdint>

// The numbers of the wire format that reading and writing share (RFC 8489 §5, §14, §18.3; RFC 8445
// §16.1).
namespace simpul::ice::stun {

inline constexpr uint32_t kMagicCookie = 0x2112A442;
inline constexpr uint32_t kFingerprintXor = 0x5354554e;
inline constexpr size_t kHeaderSize = 20;
inline constexpr size_t kAttributeHeaderSize = 4;
inline constexpr size_t kIntegritySize = 20;
inline constexpr size_t kFingerprintSize = 4;
inline constexpr uint8_t kFamilyV4 = 1;
inline constexpr uint8_t kFamilyV6 = 2;

inline constexpr uint16_t kClassRequest = 0x0000;
inline constexpr uint16_t kClassIndication = 0x0010;
inline constexpr uint16_t kClassSuccess = 0x0100;
inline constexpr uint16_t kClassError = 0x0110;
inline constexpr uint16_t kClassMask = 0x0110;

inline constexpr uint16_t kUsername = 0x0006;
inline constexpr uint16_t kMessageIntegrity = 0x0008;
inline constexpr uint16_t kErrorCode = 0x0009;
inline constexpr uint16_t kUnknownAttributes = 0x000a;
inline constexpr uint16_t kMessageIntegritySha256 = 0x001c;
inline constexpr uint16_t kXorMappedAddress = 0x0020;
inline constexpr uint16_t kPriority = 0x0024;
inline constexpr uint16_t kUseCandidate = 0x0025;
inline constexpr uint16_t kFirstOptional = 0x8000;  // from here on unknown ones are skipped
inline constexpr uint16_t kFingerprint = 0x8028;
inline constexpr uint16_t kIceControlled = 0x8029;
inline constexpr uint16_t kIceControlling = 0x802a;

constexpr size_t padded(size_t size) { return (size + 3) & ~size_t{3}; }

}  // namespace simpul::ice::stun
