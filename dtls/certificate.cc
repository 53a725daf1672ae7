#include "dtls/certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <ctime>
#include <vector>

#include "base/check.h"
#include "crypto/random.h"

namespace simpul::dtls {
namespace {

constexpr std::chrono::hours kBackdated{24};
constexpr std::chrono::hours kLifetime{30 * 24};

void name(X509* x509) {
  // Says nothing about us: every guest sees it (RFC 8827 §6.5).
  static constexpr unsigned char kCommonName[] = "WebRTC";
  X509_NAME* subject = X509_get_subject_name(x509);
  SIMPUL_CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, kCommonName, -1, -1, 0) ==
               1);
  SIMPUL_CHECK(X509_set_issuer_name(x509, subject) == 1);
}

}  // namespace

void Certificate::Free::operator()(x509_st* x509) const { X509_free(x509); }
void Certificate::Free::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }

Certificate::~Certificate() = default;
Certificate::Certificate(Certificate&&) noexcept = default;
Certificate& Certificate::operator=(Certificate&&) noexcept = default;

// Only a machine without memory or entropy fails here, and it cannot serve anybody.
Certificate Certificate::make(std::chrono::seconds unix_now) {
  Certificate made;
  made.key_.reset(EVP_EC_gen("P-256"));
  made.x509_.reset(X509_new());
  SIMPUL_CHECK(made.key_ && made.x509_);
  X509* x509 = made.x509_.get();
  SIMPUL_CHECK(X509_set_version(x509, 2) == 1);  // counted from 0: version 3
  SIMPUL_CHECK(ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), crypto::random_u64() >> 1) ==
               1);
  const auto from = static_cast<time_t>((unix_now - kBackdated).count());
  const auto until = static_cast<time_t>((unix_now + kLifetime).count());
  SIMPUL_CHECK(ASN1_TIME_set(X509_getm_notBefore(x509), from) != nullptr);
  SIMPUL_CHECK(ASN1_TIME_set(X509_getm_notAfter(x509), until) != nullptr);
  name(x509);
  SIMPUL_CHECK(X509_set_pubkey(x509, made.key_.get()) == 1);
  SIMPUL_CHECK(X509_sign(x509, made.key_.get(), EVP_sha256()) > 0);

  const int size = i2d_X509(x509, nullptr);
  SIMPUL_CHECK(size > 0);
  std::vector<uint8_t> der(static_cast<size_t>(size));
  uint8_t* end = der.data();
  SIMPUL_CHECK(i2d_X509(x509, &end) == size);
  made.fingerprint_ = Fingerprint::of(crypto::DigestAlgorithm::kSha256, der);
  return made;
}

}  // namespace simpul::dtls
