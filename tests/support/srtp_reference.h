#pragma once

#include <gtest/gtest.h>
#include <srtp2/srtp.h>

#include <vector>

#include "base/bytes.h"
#include "dtls/srtp_keys.h"

namespace simpul::testing {

// libsrtp with one master key, as a sender or as a receiver of any SSRC: what our SRTP is compared
// with. Its errors come out as an empty packet.
class SrtpReference {
 public:
  enum class Direction { kSend, kReceive };

  SrtpReference(const dtls::SrtpMasterKey& master, Direction direction) {
    static const srtp_err_status_t started = srtp_init();
    EXPECT_EQ(started, srtp_err_status_ok);
    std::vector<uint8_t> key(master.key.begin(),
                             master.key.begin() + dtls::master_key_size(master.profile));
    key.insert(key.end(), master.salt.begin(),
               master.salt.begin() + dtls::master_salt_size(master.profile));
    srtp_policy_t policy{};
    set_profile(master.profile, policy.rtp);
    set_profile(master.profile, policy.rtcp);
    policy.ssrc.type = direction == Direction::kSend ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = key.data();
    policy.window_size = 1024;
    EXPECT_EQ(srtp_create(&session_, &policy), srtp_err_status_ok);
  }
  ~SrtpReference() { srtp_dealloc(session_); }
  SrtpReference(const SrtpReference&) = delete;
  SrtpReference& operator=(const SrtpReference&) = delete;

  std::vector<uint8_t> protect(Bytes plain) { return run(srtp_protect, plain); }
  std::vector<uint8_t> protect_rtcp(Bytes plain) { return run(srtp_protect_rtcp, plain); }
  std::vector<uint8_t> unprotect(Bytes sealed) { return run(srtp_unprotect, sealed); }
  std::vector<uint8_t> unprotect_rtcp(Bytes sealed) { return run(srtp_unprotect_rtcp, sealed); }

 private:
  static void set_profile(dtls::SrtpProfile profile, srtp_crypto_policy_t& policy) {
    switch (profile) {
      case dtls::SrtpProfile::kAeadAes128Gcm:
        return srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy);
      case dtls::SrtpProfile::kAeadAes256Gcm:
        return srtp_crypto_policy_set_aes_gcm_256_16_auth(&policy);
      case dtls::SrtpProfile::kAes128CmHmacSha1_80:
        return srtp_crypto_policy_set_rtp_default(&policy);
    }
  }

  template <class Function>
  std::vector<uint8_t> run(Function function, Bytes packet) {
    std::vector<uint8_t> copy(packet.begin(), packet.end());
    copy.resize(packet.size() + SRTP_MAX_TRAILER_LEN + 4);
    auto size = static_cast<int>(packet.size());
    if (function(session_, copy.data(), &size) != srtp_err_status_ok) return {};
    copy.resize(static_cast<size_t>(size));
    return copy;
  }

  srtp_t session_ = nullptr;
};

}  // namespace simpul::testing
