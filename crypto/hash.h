#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/secret.h"

namespace simpul::crypto {

inline constexpr size_t kSha1Size = 20;
using Sha1Digest = std::array<uint8_t, kSha1Size>;

// HMAC-SHA1 (RFC 2104) with the key's two pads hashed once, so that a short message costs two
// blocks of SHA-1 instead of four. Keep one for as long as the key is in use.
class HmacSha1 {
 public:
  explicit HmacSha1(Bytes key);
  ~HmacSha1();
  HmacSha1(const HmacSha1&) = default;
  HmacSha1& operator=(const HmacSha1&) = default;

  // Of the pieces as if they were one message.
  Sha1Digest digest(Bytes message, Bytes rest = {}) const;

 private:
  using ChainingValue = std::array<uint32_t, 5>;  // SHA-1 after one block

  ChainingValue inner_;
  ChainingValue outer_;
};

inline Sha1Digest hmac_sha1(Bytes key, Bytes message, Bytes rest = {}) {
  return HmacSha1(key).digest(message, rest);
}

// The hash functions of SDP fingerprints (RFC 8122 §5).
enum class DigestAlgorithm : uint8_t { kSha1, kSha256, kSha384, kSha512 };

// "sha-256" and the like, in upper or lower case.
std::optional<DigestAlgorithm> parse_digest_algorithm(std::string_view name);
std::string_view to_string(DigestAlgorithm algorithm);
std::vector<uint8_t> digest(DigestAlgorithm algorithm, Bytes message);

// CRC-32 of ITU V.42, as STUN's FINGERPRINT uses it (RFC 8489 §14.7, before its XOR).
uint32_t crc32(Bytes message);

}  // namespace simpul::crypto
