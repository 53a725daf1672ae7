#pragma once

#include <chrono>
#include <memory>

#include "dtls/fingerprint.h"

struct x509_st;
struct evp_pkey_st;

namespace simpul::dtls {

// A P-256 key and the self-signed certificate over it, as WebRTC uses them: nobody checks more of
// it than its fingerprint, which travels in the description (RFC 8827 §6.5).
class Certificate {
 public:
  // Valid from a day before `unix_now` (a peer's clock may be behind) for 30 days.
  static Certificate make(std::chrono::seconds unix_now);
  ~Certificate();
  Certificate(Certificate&&) noexcept;
  Certificate& operator=(Certificate&&) noexcept;

  const Fingerprint& fingerprint() const { return fingerprint_; }  // sha-256

  x509_st* x509() const { return x509_.get(); }
  evp_pkey_st* key() const { return key_.get(); }

 private:
  struct Free {
    void operator()(x509_st* x509) const;
    void operator()(evp_pkey_st* key) const;
  };

  Certificate() = default;

  std::unique_ptr<evp_pkey_st, Free> key_;
  std::unique_ptr<x509_st, Free> x509_;
  Fingerprint fingerprint_;
};

}  // namespace simpul::dtls
