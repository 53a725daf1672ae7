#include "dtls/context.h"

#include <openssl/ssl.h>

#include <string>

#include "base/check.h"
#include "dtls/certificate.h"

namespace simpul::dtls {
namespace {

// With forward secrecy and authenticated encryption only (RFC 8827 §6.5).
constexpr auto kCipherSuites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
// Those of certificates too: OpenSSL holds the peer's to this list.
constexpr auto kGroups = "X25519:P-256:P-384:P-521";
constexpr long kCertificateBytesMax = 5'120;

std::string names_of(std::span<const SrtpProfile> profiles) {
  std::string names;
  for (const SrtpProfile profile : profiles) {
    if (!names.empty()) names += ':';
    names += to_string(profile);
  }
  return names;
}

// Self-signed certificates have no chain to build; the session compares the leaf's digest.
int accept_any(X509_STORE_CTX*, void*) { return 1; }

}  // namespace

void Context::Free::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Context::Context(const Certificate& certificate, std::span<const SrtpProfile> srtp_profiles)
    : context_(SSL_CTX_new(DTLS_method())) {
  SSL_CTX* context = context_.get();
  SIMPUL_CHECK(context != nullptr);
  SIMPUL_CHECK(SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1);
  SIMPUL_CHECK(SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1);
  SIMPUL_CHECK(SSL_CTX_set_cipher_list(context, kCipherSuites) == 1);
  SIMPUL_CHECK(SSL_CTX_set1_groups_list(context, kGroups) == 1);
  SIMPUL_CHECK(SSL_CTX_set_tlsext_use_srtp(context, names_of(srtp_profiles).c_str()) ==
               0);  // 0 is success here
  SIMPUL_CHECK(SSL_CTX_use_certificate(context, certificate.x509()) == 1);
  SIMPUL_CHECK(SSL_CTX_use_PrivateKey(context, certificate.key()) == 1);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, accept_any, nullptr);
  SSL_CTX_set_max_cert_list(context, kCertificateBytesMax);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

}  // namespace simpul::dtls
