#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdint>
#include <ctime>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "dtls/fingerprint.h"

namespace simpul::testing {

struct FreeOpenSsl {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(X509* x509) const { X509_free(x509); }
  void operator()(BIGNUM* number) const { BN_free(number); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, FreeOpenSsl>;
using X509Ptr = std::unique_ptr<X509, FreeOpenSsl>;

inline KeyPtr make_ec_key(const char* curve = "P-256") { return KeyPtr(EVP_EC_gen(curve)); }

// The same curve, described by its numbers instead of its name.
inline KeyPtr make_explicit_curve_key() {
  KeyPtr key = make_ec_key();
  EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_ENCODING, "explicit");
  return key;
}

// A public RSA key of that size, to which nobody has the other half: odd numbers are all it takes.
inline KeyPtr make_rsa_public_key(int bits, int exponent_bits) {
  const std::unique_ptr<BIGNUM, FreeOpenSsl> modulus(BN_new());
  const std::unique_ptr<BIGNUM, FreeOpenSsl> exponent(BN_new());
  BN_rand(modulus.get(), bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
  BN_rand(exponent.get(), exponent_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent.get());
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  return KeyPtr(key);
}

// Of that key, signed by some other one: nobody looks. With `comment_size` bytes of nonsense.
inline X509Ptr make_x509(EVP_PKEY* key, time_t from = 0, time_t until = 4'000'000'000,
                         size_t comment_size = 0) {
  static const KeyPtr signer = make_ec_key();
  X509Ptr x509(X509_new());
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  ASN1_TIME_set(X509_getm_notBefore(x509.get()), from);
  ASN1_TIME_set(X509_getm_notAfter(x509.get()), until);
  X509_NAME* name = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const uint8_t*>("x"), -1,
                             -1, 0);
  X509_set_issuer_name(x509.get(), name);
  X509_set_pubkey(x509.get(), key);
  if (comment_size > 0) {
    ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
    const std::vector<uint8_t> comment(comment_size, 'c');
    ASN1_OCTET_STRING_set(value, comment.data(), static_cast<int>(comment.size()));
    ASN1_OBJECT* object = OBJ_txt2obj("1.2.3.4", 1);
    X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, object, 0, value);
    X509_add_ext(x509.get(), extension, -1);
    X509_EXTENSION_free(extension);
    ASN1_OBJECT_free(object);
    ASN1_OCTET_STRING_free(value);
  }
  X509_sign(x509.get(), signer.get(), EVP_sha256());
  return x509;
}

inline std::vector<uint8_t> der_of(X509* x509) {
  std::vector<uint8_t> der(static_cast<size_t>(i2d_X509(x509, nullptr)));
  uint8_t* end = der.data();
  i2d_X509(x509, &end);
  return der;
}

inline dtls::Fingerprint fingerprint_of(X509* x509) {
  return dtls::Fingerprint::of(crypto::DigestAlgorithm::kSha256, der_of(x509));
}

// The body of a Certificate message (RFC 5246 §7.4.2).
inline std::vector<uint8_t> make_certificate_message(
    const std::vector<std::vector<uint8_t>>& certificates) {
  std::vector<uint8_t> list;
  const auto append = [](std::vector<uint8_t>& to, const std::vector<uint8_t>& opaque) {
    const size_t at = to.size();
    to.resize(at + 3);
    store_be24(MutableBytes(to).subspan(at).first<3>(), static_cast<uint32_t>(opaque.size()));
    to.insert(to.end(), opaque.begin(), opaque.end());
  };
  for (const auto& certificate : certificates) append(list, certificate);
  std::vector<uint8_t> body;
  append(body, list);
  return body;
}

}  // namespace simpul::testing
