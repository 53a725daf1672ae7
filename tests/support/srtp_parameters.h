#pragma once

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "crypto/srtp_cipher.h"
#include "dtls/srtp_keys.h"

namespace simpul::testing {

// A test with each profile, by each library.
class EachSrtp
    : public ::testing::TestWithParam<std::tuple<dtls::SrtpProfile, crypto::CipherImplementation>> {
 protected:
  dtls::SrtpProfile profile() const { return std::get<0>(GetParam()); }

  crypto::CipherEngine engine_{std::get<1>(GetParam())};
};

inline auto each_srtp() {
  using enum dtls::SrtpProfile;
  using enum crypto::CipherImplementation;
  return ::testing::Combine(::testing::Values(kAeadAes128Gcm, kAeadAes256Gcm, kAes128CmHmacSha1_80),
                            ::testing::Values(kIpsecMb, kOpenSsl));
}

inline std::string each_srtp_name(const ::testing::TestParamInfo<EachSrtp::ParamType>& info) {
  const auto [profile, implementation] = info.param;
  const bool multi_buffer = implementation == crypto::CipherImplementation::kIpsecMb;
  return std::string(dtls::to_string(profile)) + (multi_buffer ? "_ipsec_mb" : "_openssl");
}

}  // namespace simpul::testing
