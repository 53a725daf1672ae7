#include "dtls/signature.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

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

std::unique_ptr<X509, decltype(&X509_free)> leaf_of(Bytes certificate_message) {
  std::unique_ptr<X509, decltype(&X509_free)> leaf(nullptr, &X509_free);
  if (certificate_message.size() <= kLeafAt || !may_be_parsed(certificate_message)) return leaf;
  const size_t size = load_be24(certificate_message.subspan<3, 3>());
  const Bytes der = certificate_message.subspan(kLeafAt);
  if (size > der.size()) return leaf;
  const uint8_t* at = der.data();
  leaf.reset(d2i_X509(nullptr, &at, static_cast<long>(size)));
  return leaf;
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
  const auto leaf = leaf_of(certificate_message);
  EVP_PKEY* key = leaf ? X509_get0_pubkey(leaf.get()) : nullptr;
  const bool is_good = key != nullptr && EVP_PKEY_get_base_id(key) == scheme.key &&
                       verify(key, scheme, bytes, parts);
  ERR_clear_error();
  return is_good;
}

}  // namespace simpul::dtls
