#include "dtls/signature.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <memory>
#include <string>

#include "base/check.h"
#include "dtls/certificate_check.h"

namespace simpul::dtls {
namespace {

constexpr size_t kLeafAt = 6;  // behind the sizes of the list and of its first certificate

// SignatureScheme (RFC 8446 §4.2.3): in DTLS 1.2 a hash and a kind of key, or RSASSA-PSS.
struct Scheme {
  const EVP_MD* digest = nullptr;
  int key = EVP_PKEY_NONE;
  bool is_pss = false;
};

const EVP_MD* digest_of(uint8_t hash) {
  switch (hash) {
    case 3:
      return EVP_sha224();
    case 4:
      return EVP_sha256();
    case 5:
      return EVP_sha384();
    case 6:
      return EVP_sha512();
    default:
      return nullptr;
  }
}

Scheme scheme_of(uint8_t first, uint8_t second) {
  constexpr uint8_t kPss = 8;
  constexpr uint8_t kRsa = 1;
  constexpr uint8_t kEcdsa = 3;
  if (first == kPss) return {.digest = digest_of(second), .key = EVP_PKEY_RSA, .is_pss = true};
  if (second == kRsa) return {.digest = digest_of(first), .key = EVP_PKEY_RSA};
  if (second == kEcdsa) return {.digest = digest_of(first), .key = EVP_PKEY_EC};
  return {};
}

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(X509* x509) const { X509_free(x509); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;

// The parameters of P-256, with no key.
Key make_p256() {
  const std::unique_ptr<EVP_PKEY_CTX, Free> context(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  std::string group = "P-256";  // OpenSSL's parameters are not const; it only reads this
  std::array params = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group.data(), 0),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  SIMPUL_CHECK(context && EVP_PKEY_fromdata_init(context.get()) == 1 &&
               EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEY_PARAMETERS, params.data()) ==
                   1);
  return Key(made);
}

// Null when the point is not on the curve.
Key p256_key(std::span<const uint8_t, kP256PointSize> point) {
  static const Key parameters = make_p256();  // to copy them takes a third of the time
  Key key(EVP_PKEY_dup(parameters.get()));
  if (key && EVP_PKEY_set1_encoded_public_key(key.get(), point.data(), point.size()) != 1) {
    key.reset();
  }
  return key;
}

Key leaf_key(Bytes certificate_message) {
  if (certificate_message.size() <= kLeafAt || !may_be_parsed(certificate_message)) return nullptr;
  if (const auto point = p256_point(certificate_message)) return p256_key(*point);
  const size_t size = load_be24(certificate_message.subspan<3, 3>());
  const Bytes der = certificate_message.subspan(kLeafAt);
  if (size > der.size()) return nullptr;
  const uint8_t* at = der.data();
  const std::unique_ptr<X509, Free> leaf(d2i_X509(nullptr, &at, static_cast<long>(size)));
  return Key(leaf ? X509_get_pubkey(leaf.get()) : nullptr);
}

bool verify(EVP_PKEY* key, const Scheme& scheme, Bytes signature, std::span<const Bytes> parts) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  EVP_PKEY_CTX* settings = nullptr;  // the context's
  if (EVP_DigestVerifyInit(context.get(), &settings, scheme.digest, nullptr, key) != 1) {
    return false;
  }
  if (scheme.is_pss && (EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING) <= 0 ||
                        EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST) <= 0)) {
    return false;
  }
  for (const Bytes part : parts) {
    if (EVP_DigestVerifyUpdate(context.get(), part.data(), part.size()) != 1) return false;
  }
  return EVP_DigestVerifyFinal(context.get(), signature.data(), signature.size()) == 1;
}

}  // namespace

bool is_signed_by(Bytes certificate_message, Bytes signature, std::span<const Bytes> parts) {
  constexpr size_t kHeaderSize = 4;
  if (signature.size() < kHeaderSize) return false;
  const Scheme scheme = scheme_of(signature[0], signature[1]);
  const size_t size = load_be16(signature.subspan<2, 2>());
  const Bytes bytes = signature.subspan(kHeaderSize);
  if (scheme.digest == nullptr || size != bytes.size()) return false;
  const Key key = leaf_key(certificate_message);
  const bool is_good = key && EVP_PKEY_get_base_id(key.get()) == scheme.key &&
                       verify(key.get(), scheme, bytes, parts);
  ERR_clear_error();
  return is_good;
}

}  // namespace simpul::dtls
