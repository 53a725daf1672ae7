#include "dtls/srtp_keys.h"

#include <algorithm>

#include "base/check.h"
#include "crypto/secret.h"

namespace simpul::dtls {
namespace {

// RFC 3711 §4.3.2: the labels of RTP; those of RTCP follow in the same order.
constexpr uint8_t kLabelEncryption = 0;
constexpr uint8_t kLabelAuthentication = 1;
constexpr uint8_t kLabelSalt = 2;
constexpr uint8_t kLabelsOfRtp = 0;
constexpr uint8_t kLabelsOfRtcp = 3;

// With a derivation rate of zero the label is all that is added to the salt, in its eighth byte:
// 48 bits of index, here zero, come behind it (§4.3.1).
constexpr size_t kLabelOffset = 7;

void derive(const SrtpMasterKey& master, uint8_t label, MutableBytes out) {
  crypto::CipherIv iv{};
  std::ranges::copy(master.salt, iv.begin());
  iv[kLabelOffset] ^= label;
  crypto::counter_key_stream(Bytes(master.key).first(master_key_size(master.profile)), iv, out);
}

void derive_stream(const SrtpMasterKey& master, uint8_t labels, SrtpSessionKey& out) {
  const auto label = [labels](uint8_t which) { return static_cast<uint8_t>(labels + which); };
  derive(master, label(kLabelEncryption),
         MutableBytes(out.cipher).first(master_key_size(master.profile)));
  derive(master, label(kLabelAuthentication), out.authentication);
  derive(master, label(kLabelSalt), MutableBytes(out.salt).first(master_salt_size(master.profile)));
}

}  // namespace

std::string_view to_string(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAeadAes128Gcm:
      return "SRTP_AEAD_AES_128_GCM";
    case SrtpProfile::kAeadAes256Gcm:
      return "SRTP_AEAD_AES_256_GCM";
    case SrtpProfile::kAes128CmHmacSha1_80:
      return "SRTP_AES128_CM_SHA1_80";
  }
  return "";
}

crypto::CipherSuite cipher_suite(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAeadAes128Gcm:
      return crypto::CipherSuite::kAes128Gcm;
    case SrtpProfile::kAeadAes256Gcm:
      return crypto::CipherSuite::kAes256Gcm;
    case SrtpProfile::kAes128CmHmacSha1_80:
      return crypto::CipherSuite::kAes128CounterHmacSha1;
  }
  return crypto::CipherSuite::kAes128Gcm;
}

SrtpMasterKey::SrtpMasterKey(SrtpProfile of_profile, Bytes of_key, Bytes of_salt)
    : profile(of_profile) {
  SIMPUL_CHECK(of_key.size() == master_key_size(profile));
  SIMPUL_CHECK(of_salt.size() == master_salt_size(profile));
  std::ranges::copy(of_key, key.begin());
  std::ranges::copy(of_salt, salt.begin());
}

SrtpMasterKey::~SrtpMasterKey() {
  crypto::wipe(key);
  crypto::wipe(salt);
}

SrtpSessionKey::~SrtpSessionKey() {
  crypto::wipe(cipher);
  crypto::wipe(authentication);
  crypto::wipe(salt);
}

SrtpMasterKeys split_keying_material(SrtpProfile profile, Bytes material) {
  SIMPUL_CHECK(material.size() == keying_material_size(profile));
  const auto take = [&material](size_t size) {
    const Bytes part = material.first(size);
    material = material.subspan(size);
    return part;
  };
  const Bytes client_key = take(master_key_size(profile));
  const Bytes server_key = take(master_key_size(profile));
  const Bytes client_salt = take(master_salt_size(profile));
  const Bytes server_salt = take(master_salt_size(profile));
  return {.client_write = {profile, client_key, client_salt},
          .server_write = {profile, server_key, server_salt}};
}

SrtpSessionKeys derive_session_keys(const SrtpMasterKey& master) {
  SrtpSessionKeys keys;
  keys.profile = master.profile;
  derive_stream(master, kLabelsOfRtp, keys.rtp);
  derive_stream(master, kLabelsOfRtcp, keys.rtcp);
  return keys;
}

}  // namespace simpul::dtls
