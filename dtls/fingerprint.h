#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace simpul::dtls {

// The digest of a certificate as a description carries it (RFC 8122 §5).
struct Fingerprint {
  crypto::DigestAlgorithm algorithm = crypto::DigestAlgorithm::kSha256;
  std::vector<uint8_t> bytes;

  // The value of an a=fingerprint line, "sha-256 4A:AD:...", in upper or lower case. Nothing for
  // a digest of another length than its algorithm's, or for an algorithm that is not taken: SHA-1
  // and MD5 prove nothing any more.
  static std::optional<Fingerprint> parse(std::string_view value);
  static Fingerprint of(crypto::DigestAlgorithm algorithm, Bytes certificate_der);
  std::string hex() const;        // "4A:AD:..."
  std::string to_string() const;  // "sha-256 4A:AD:..."

  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};

}  // namespace simpul::dtls
