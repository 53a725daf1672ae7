#include "dtls/srtp_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "tests/support/hex.h"
#include "tests/support/srtp_packets.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::from_hex;
using ::testing::ElementsAreArray;

constexpr std::array kProfiles = {SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm,
                                  SrtpProfile::kAes128CmHmacSha1_80};

// RFC 3711 appendix B.3.
TEST(SrtpKeys, AreDerivedAsInRfc3711) {
  const SrtpMasterKey master(SrtpProfile::kAes128CmHmacSha1_80,
                             from_hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
                             from_hex("0EC675AD498AFEEBB6960B3AABE6"));
  const SrtpSessionKeys keys = derive_session_keys(master);
  EXPECT_THAT(Bytes(keys.rtp.cipher).first(16),
              ElementsAreArray(from_hex("C61E7A93744F39EE10734AFE3FF7A087")));
  EXPECT_THAT(keys.rtp.salt, ElementsAreArray(from_hex("30CBBC08863D8C85D49DB34A9AE1")));
  EXPECT_THAT(keys.rtp.authentication,
              ElementsAreArray(from_hex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4")));
}

TEST(SrtpKeys, DifferBetweenRtpAndRtcp) {
  for (const SrtpProfile profile : kProfiles) {
    const auto keys = derive_session_keys(testing::make_master_key(profile));
    EXPECT_EQ(keys.profile, profile);
    EXPECT_NE(keys.rtp.cipher, keys.rtcp.cipher);
    EXPECT_NE(keys.rtp.salt, keys.rtcp.salt);
    EXPECT_NE(keys.rtp.authentication, keys.rtcp.authentication);
  }
}

TEST(SrtpKeys, HaveTheSizesOfTheirProfile) {
  EXPECT_EQ(keying_material_size(SrtpProfile::kAeadAes128Gcm), 56u);
  EXPECT_EQ(keying_material_size(SrtpProfile::kAeadAes256Gcm), 88u);
  EXPECT_EQ(keying_material_size(SrtpProfile::kAes128CmHmacSha1_80), 60u);
}

// RFC 5764 §4.2: both keys, then both salts, the client's first.
TEST(SrtpKeys, AreCutFromTheExporterClientFirst) {
  for (const SrtpProfile profile : kProfiles) {
    std::vector<uint8_t> material(keying_material_size(profile));
    std::iota(material.begin(), material.end(), uint8_t{0});
    const auto keys = split_keying_material(profile, material);
    const size_t key_size = master_key_size(profile);
    const size_t salt_size = master_salt_size(profile);
    EXPECT_EQ(keys.client_write.key[0], 0);
    EXPECT_EQ(keys.server_write.key[0], key_size);
    EXPECT_EQ(keys.client_write.salt[0], 2 * key_size);
    EXPECT_EQ(keys.server_write.salt[0], 2 * key_size + salt_size);
    EXPECT_EQ(keys.server_write.salt[salt_size - 1], material.back());
    EXPECT_EQ(keys.client_write.profile, profile);
  }
}

TEST(SrtpKeys, LeaveNothingBehind) {
  alignas(SrtpMasterKey) std::array<uint8_t, sizeof(SrtpMasterKey)> memory;
  auto* key =
      new (memory.data()) SrtpMasterKey(testing::make_master_key(SrtpProfile::kAeadAes256Gcm));
  const size_t key_at = offsetof(SrtpMasterKey, key);
  const Bytes secret = Bytes(memory).subspan(key_at, 32 + 14);
  EXPECT_THAT(secret, ::testing::Contains(::testing::Ne(0)));
  key->~SrtpMasterKey();
  EXPECT_THAT(secret, ::testing::Each(0));
}

TEST(SrtpKeys, AreNamedAsOpenSslNamesTheirProfile) {
  EXPECT_EQ(to_string(SrtpProfile::kAeadAes128Gcm), "SRTP_AEAD_AES_128_GCM");
  EXPECT_EQ(to_string(SrtpProfile::kAeadAes256Gcm), "SRTP_AEAD_AES_256_GCM");
  EXPECT_EQ(to_string(SrtpProfile::kAes128CmHmacSha1_80), "SRTP_AES128_CM_SHA1_80");
}

}  // namespace
}  // namespace simpul::dtls
