#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "crypto/srtp_cipher.h"

namespace simpul::dtls {

// The protection profiles that we negotiate (RFC 5764 §4.1.2, RFC 7714 §14.2), best first.
enum class SrtpProfile : uint8_t { kAeadAes128Gcm, kAeadAes256Gcm, kAes128CmHmacSha1_80 };

// As OpenSSL names it: "SRTP_AEAD_AES_128_GCM".
std::string_view to_string(SrtpProfile profile);

crypto::CipherSuite cipher_suite(SrtpProfile profile);

constexpr size_t master_key_size(SrtpProfile profile) {
  return profile == SrtpProfile::kAeadAes256Gcm ? 32 : 16;
}
constexpr size_t master_salt_size(SrtpProfile profile) {
  return profile == SrtpProfile::kAes128CmHmacSha1_80 ? 14 : 12;
}

// One direction's master key and salt. Both arrays have the profile's sizes in front and zeros
// behind. Overwritten when it ends.
struct SrtpMasterKey {
  SrtpProfile profile = SrtpProfile::kAeadAes128Gcm;
  std::array<uint8_t, 32> key{};
  std::array<uint8_t, 14> salt{};

  SrtpMasterKey() = default;
  SrtpMasterKey(SrtpProfile of_profile, Bytes of_key, Bytes of_salt);
  SrtpMasterKey(const SrtpMasterKey&) = default;
  SrtpMasterKey& operator=(const SrtpMasterKey&) = default;
  ~SrtpMasterKey();
};

// The two directions of a DTLS association.
struct SrtpMasterKeys {
  SrtpMasterKey client_write;
  SrtpMasterKey server_write;
};

constexpr size_t keying_material_size(SrtpProfile profile) {
  return 2 * (master_key_size(profile) + master_salt_size(profile));
}

// Cuts what the exporter "EXTRACTOR-dtls_srtp" gave, keying_material_size() bytes, into the two
// directions (RFC 5764 §4.2).
SrtpMasterKeys split_keying_material(SrtpProfile profile, Bytes material);

// What RTP, or RTCP, of one direction works with (RFC 3711 §4.3). Sizes as in SrtpMasterKey.
// Overwritten when it ends.
struct SrtpSessionKey {
  std::array<uint8_t, 32> cipher{};
  std::array<uint8_t, 20> authentication{};  // of no use to AEAD
  std::array<uint8_t, 14> salt{};

  SrtpSessionKey() = default;
  SrtpSessionKey(const SrtpSessionKey&) = default;
  SrtpSessionKey& operator=(const SrtpSessionKey&) = default;
  ~SrtpSessionKey();
};

struct SrtpSessionKeys {
  SrtpProfile profile = SrtpProfile::kAeadAes128Gcm;
  SrtpSessionKey rtp;
  SrtpSessionKey rtcp;
};

// The key derivation with a rate of zero: once, at the start.
SrtpSessionKeys derive_session_keys(const SrtpMasterKey& master);

}  // namespace simpul::dtls
