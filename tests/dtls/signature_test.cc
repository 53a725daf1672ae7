#include "dtls/signature.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#include <array>

#include "dtls/certificate_check.h"
#include "tests/support/made_certificate.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::der_of;
using ::simpul::testing::KeyPtr;
using ::simpul::testing::make_certificate_message;
using ::simpul::testing::make_ec_key;
using ::simpul::testing::make_explicit_curve_key;
using ::simpul::testing::make_x509;

const std::vector<uint8_t> kHead = {1, 2, 3};
const std::vector<uint8_t> kTail(500, 7);

struct Scheme {
  uint16_t code;
  const EVP_MD* (*digest)();
  bool is_pss = false;
};

// A digitally-signed structure (RFC 5246 §4.7) over head and tail.
std::vector<uint8_t> sign(EVP_PKEY* key, const Scheme& scheme) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* settings = nullptr;
  EVP_DigestSignInit(context, &settings, scheme.digest(), nullptr, key);
  if (scheme.is_pss) {
    EVP_PKEY_CTX_set_rsa_padding(settings, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(settings, RSA_PSS_SALTLEN_DIGEST);
  }
  EVP_DigestSignUpdate(context, kHead.data(), kHead.size());
  EVP_DigestSignUpdate(context, kTail.data(), kTail.size());
  size_t size = 0;
  EVP_DigestSignFinal(context, nullptr, &size);
  std::vector<uint8_t> bytes(size);
  EVP_DigestSignFinal(context, bytes.data(), &size);
  EVP_MD_CTX_free(context);
  std::vector<uint8_t> signature = {static_cast<uint8_t>(scheme.code >> 8),
                                    static_cast<uint8_t>(scheme.code),
                                    static_cast<uint8_t>(size >> 8), static_cast<uint8_t>(size)};
  signature.insert(signature.end(), bytes.begin(), bytes.begin() + static_cast<long>(size));
  return signature;
}

class SignatureOf {
 public:
  explicit SignatureOf(KeyPtr key)
      : key_(std::move(key)),
        message_(make_certificate_message({der_of(make_x509(key_.get()).get())})) {}

  EVP_PKEY* key() const { return key_.get(); }
  bool is_good(Bytes signature, Bytes head = kHead) const {
    const std::array<Bytes, 2> parts = {head, kTail};
    return is_signed_by(message_, signature, parts);
  }

 private:
  KeyPtr key_;
  std::vector<uint8_t> message_;
};

TEST(Signature, IsTakenInEachSchemeThatPeersUse) {
  for (const char* curve : {"P-256", "P-384", "P-521"}) {
    const SignatureOf of(make_ec_key(curve));
    for (const Scheme& scheme : {Scheme{0x0303, EVP_sha224},
                                 {0x0403, EVP_sha256},
                                 {0x0503, EVP_sha384},
                                 {0x0603, EVP_sha512}}) {
      EXPECT_TRUE(of.is_good(sign(of.key(), scheme))) << curve << ' ' << scheme.code;
    }
  }
  const SignatureOf of(KeyPtr(EVP_RSA_gen(2048)));
  for (const Scheme& scheme : {Scheme{0x0401, EVP_sha256},
                               {0x0501, EVP_sha384},
                               {0x0601, EVP_sha512},
                               {0x0804, EVP_sha256, true},
                               {0x0805, EVP_sha384, true},
                               {0x0806, EVP_sha512, true}}) {
    EXPECT_TRUE(of.is_good(sign(of.key(), scheme))) << scheme.code;
  }
}

TEST(Signature, IsRefusedWhenAnyBitOfAnythingIsAnother) {
  const SignatureOf of(make_ec_key());
  const auto signature = sign(of.key(), {0x0403, EVP_sha256});
  for (size_t bit = 0; bit < 8 * signature.size(); ++bit) {
    auto changed = signature;
    changed[bit / 8] ^= static_cast<uint8_t>(1u << bit % 8);
    EXPECT_FALSE(of.is_good(changed)) << bit;
  }
  for (size_t size = 0; size < signature.size(); ++size) {
    EXPECT_FALSE(of.is_good(Bytes(signature).first(size))) << size;
  }
  EXPECT_FALSE(of.is_good(signature, std::vector<uint8_t>{1, 2, 4}));
  EXPECT_FALSE(SignatureOf(make_ec_key()).is_good(signature));
}

TEST(Signature, IsRefusedUnderTheSchemeOfAnotherKeyOrDigest) {
  const SignatureOf of(KeyPtr(EVP_RSA_gen(2048)));
  for (const int code : {0x0403, 0x0804, 0x0501, 0x0201, 0x0101, 0x0807, 0x0000, 0xffff}) {
    auto signature = sign(of.key(), {0x0401, EVP_sha256});
    signature[0] = static_cast<uint8_t>(code >> 8);
    signature[1] = static_cast<uint8_t>(code);
    EXPECT_FALSE(of.is_good(signature)) << code;
  }
}

TEST(Signature, IsNotLookedAtUnderACertificateThatMustNotBeParsed) {
  const SignatureOf of(make_explicit_curve_key());
  EXPECT_FALSE(of.is_good(sign(of.key(), {0x0403, EVP_sha256})));
  EXPECT_FALSE(is_signed_by({}, sign(of.key(), {0x0403, EVP_sha256}), {}));
}

// Of the usual keys the certificate itself is not parsed: a point must be one of the curve all the
// same, and the other form of it is taken, too.
TEST(Signature, IsRefusedUnderAPointThatIsNotOnTheCurve) {
  const auto key = make_ec_key();
  const auto message = make_certificate_message({der_of(make_x509(key.get()).get())});
  const auto signature = sign(key.get(), {0x0403, EVP_sha256});
  const std::array<Bytes, 2> parts = {kHead, kTail};
  const auto point = p256_point(message);
  ASSERT_TRUE(point);
  ASSERT_TRUE(is_signed_by(message, signature, parts));
  const auto at = point->data() - message.data();
  for (const long byte : {0, 1, 32, 33, 64}) {
    auto changed = message;
    changed[static_cast<size_t>(at + byte)] ^= 1;
    EXPECT_TRUE(p256_point(changed));
    EXPECT_FALSE(is_signed_by(changed, signature, parts)) << byte;
  }
}

TEST(Signature, IsTakenUnderACompressedPoint) {
  const auto key = make_ec_key();
  EVP_PKEY_set_utf8_string_param(key.get(), OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                 OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED);
  const auto message = make_certificate_message({der_of(make_x509(key.get()).get())});
  const std::array<Bytes, 2> parts = {kHead, kTail};
  EXPECT_FALSE(p256_point(message));
  EXPECT_TRUE(is_signed_by(message, sign(key.get(), {0x0403, EVP_sha256}), parts));
}

// The list is empty, and what follows it says that a certificate of 16 MB begins there.
TEST(Signature, IsNotLookedForBehindAnEmptyListOfCertificates) {
  std::vector<uint8_t> message = {0, 0, 0, 0xff, 0xff, 0xff, 0x30, 0x83, 0xff, 0xff, 0xf0};
  message.insert(message.end(), {0x02, 0x83, 0xff, 0xff, 0x00, 0x01, 0x02});
  const std::vector<uint8_t> signature = {4, 3, 0, 1, 0};
  const std::array<Bytes, 1> parts = {kHead};
  EXPECT_FALSE(is_signed_by(message, signature, parts));
}

}  // namespace
}  // namespace simpul::dtls
