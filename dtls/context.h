#pragma once

#include <array>
#include <memory>
#include <span>

#include "dtls/srtp_keys.h"

struct ssl_ctx_st;

namespace simpul::dtls {

class Certificate;

// What all associations with one certificate share: versions (DTLS 1.2 alone), cipher suites,
// groups, SRTP profiles. Made once; afterwards only read, by any number of threads. Associations
// that are under way keep what they need of it alive.
class Context {
 public:
  // Best first. The shorter key of GCM is the faster one, and nobody breaks either.
  static constexpr std::array kSrtpProfiles = {
      SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm, SrtpProfile::kAes128CmHmacSha1_80};

  explicit Context(const Certificate& certificate,
                   std::span<const SrtpProfile> srtp_profiles = kSrtpProfiles);

  ssl_ctx_st* ssl_context() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
};

}  // namespace simpul::dtls
