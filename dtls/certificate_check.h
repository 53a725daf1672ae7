#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"

namespace simpul::dtls {

inline constexpr size_t kCertificatesMax = 4;   // of one peer: its own, and whoever signed it
inline constexpr size_t kRsaModulusMax = 1024;  // bytes: 8,192 bits, as much as browsers make
inline constexpr size_t kRsaExponentMax = 4;    // bytes; nearly everybody has 65537

// Whether the body of a Certificate message (RFC 5246 §7.4.2) may be given to OpenSSL. Nobody
// checks who signed a certificate, or when it is valid; what costs is its key. So each one must
// have an ECDSA key on P-256, P-384 or P-521, by name (explicit curves are a weapon), or an RSA key
// of bounded size (RFC 5480 §2.1.1, RFC 3279 §2.3.1). The list is the whole message. An empty
// one passes: it is refused later.
bool may_be_parsed(Bytes certificate_message);

inline constexpr size_t kP256PointSize = 65;  // uncompressed (SEC 1 §2.3.3)

// The public key of the first certificate of a message that may be parsed, if it is a point of
// P-256 in the form that nearly everybody sends. To have OpenSSL parse a certificate for it costs
// twice as much as the signature.
std::optional<std::span<const uint8_t, kP256PointSize>> p256_point(Bytes certificate_message);

}  // namespace simpul::dtls
