#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>

#include "dtls/certificate_check.h"

namespace {

struct Free {
  void operator()(X509* x509) const { X509_free(x509); }
  void operator()(uint8_t* bytes) const { OPENSSL_free(bytes); }
};

// OpenSSL finds the same key in the first certificate, if it takes that at all.
void compare(simpul::Bytes message, std::span<const uint8_t, simpul::dtls::kP256PointSize> point) {
  constexpr size_t kLeafAt = 6;
  const uint8_t* at = message.subspan(kLeafAt).data();
  const auto size = static_cast<long>(simpul::load_be24(message.subspan<3, 3>()));
  const std::unique_ptr<X509, Free> leaf(d2i_X509(nullptr, &at, size));
  EVP_PKEY* key = leaf ? X509_get0_pubkey(leaf.get()) : nullptr;
  if (key == nullptr) return;
  uint8_t* encoded = nullptr;
  const size_t encoded_size = EVP_PKEY_get1_encoded_public_key(key, &encoded);
  const std::unique_ptr<uint8_t, Free> owner(encoded);
  // The first byte tells of hybrid forms, which OpenSSL writes as the plain one.
  if (encoded_size != point.size()) __builtin_trap();
  if (!std::equal(point.begin() + 1, point.end(), encoded + 1)) __builtin_trap();
}

}  // namespace

// The body of a Certificate message: it is read within its bounds, and its beginning alone is never
// enough.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const simpul::Bytes message(data, size);
  const auto point = simpul::dtls::p256_point(message);
  if (size < 4 || !simpul::dtls::may_be_parsed(message)) return 0;
  const size_t list = simpul::load_be24(message.first<3>());
  if (3 + list > size) __builtin_trap();
  if (list > 0 && simpul::dtls::may_be_parsed(message.first(3 + list - 1))) __builtin_trap();
  if (point) compare(message, *point);
  return 0;
}
