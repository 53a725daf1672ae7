#include "dtls/certificate.h"

#include <openssl/x509.h>

#include "tests/support/dtls_pair.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::kCertificateTime;

const std::string kDigest =
    "4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:"
    "DF";

TEST(Fingerprint, ReadsWhatADescriptionCarries) {
  const auto fingerprint = Fingerprint::parse("sha-256 " + kDigest);
  ASSERT_TRUE(fingerprint.has_value());
  EXPECT_EQ(fingerprint->algorithm, crypto::DigestAlgorithm::kSha256);
  EXPECT_EQ(fingerprint->bytes.size(), 32u);
  EXPECT_EQ(fingerprint->bytes[0], 0x4a);
  EXPECT_EQ(fingerprint->bytes[31], 0xdf);
  EXPECT_EQ(fingerprint->hex(), kDigest);
  EXPECT_EQ(fingerprint->to_string(), "sha-256 " + kDigest);
}

TEST(Fingerprint, IsTheSameInUpperAndLowerCase) {
  std::string lower = kDigest;
  for (char& c : lower) c = static_cast<char>(std::tolower(c));
  EXPECT_EQ(Fingerprint::parse("SHA-256 " + kDigest), Fingerprint::parse("sha-256 " + lower));
}

TEST(Fingerprint, TakesTheLongerDigestsToo) {
  const auto repeat = [](int count) {
    std::string text = "00";
    for (int i = 1; i < count; ++i) text += ":ff";
    return text;
  };
  EXPECT_TRUE(Fingerprint::parse("sha-384 " + repeat(48)).has_value());
  EXPECT_TRUE(Fingerprint::parse("sha-512 " + repeat(64)).has_value());
  EXPECT_FALSE(Fingerprint::parse("sha-384 " + repeat(32)).has_value());
  EXPECT_FALSE(Fingerprint::parse("sha-512 " + repeat(63)).has_value());
}

TEST(Fingerprint, RefusesWeakAndUnknownAlgorithms) {
  const std::string twenty = kDigest.substr(0, 20 * 3 - 1);
  EXPECT_FALSE(Fingerprint::parse("sha-1 " + twenty).has_value());
  EXPECT_FALSE(Fingerprint::parse("md5 " + kDigest.substr(0, 16 * 3 - 1)).has_value());
  EXPECT_FALSE(Fingerprint::parse("sha-3 " + kDigest).has_value());
}

TEST(Fingerprint, RefusesWhatIsNoListOfPairs) {
  for (const std::string& value :
       {std::string(), std::string("sha-256"), std::string("sha-256 "), "sha-256" + kDigest,
        "sha-256  " + kDigest, "sha-256 " + kDigest + ":", "sha-256 " + kDigest.substr(1),
        "sha-256 " + kDigest.substr(0, 93) + "0G", "sha-256 -" + kDigest.substr(1)}) {
    EXPECT_FALSE(Fingerprint::parse(value).has_value()) << value;
  }
  std::string dashes = kDigest;
  for (char& c : dashes) c = c == ':' ? '-' : c;
  EXPECT_FALSE(Fingerprint::parse("sha-256 " + dashes).has_value());
}

TEST(Certificate, CarriesTheFingerprintThatItTells) {
  const Certificate certificate = Certificate::make(kCertificateTime);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ASSERT_EQ(X509_digest(certificate.x509(), EVP_sha256(), digest.data(), &size), 1);
  EXPECT_EQ(certificate.fingerprint().bytes,
            std::vector<uint8_t>(digest.begin(), digest.begin() + size));
}

TEST(Certificate, IsSelfSignedP256AndValidFromTheDayBefore) {
  const Certificate certificate = Certificate::make(kCertificateTime);
  EXPECT_EQ(X509_verify(certificate.x509(), certificate.key()), 1);
  EXPECT_EQ(EVP_PKEY_get_bits(certificate.key()), 256);
  const time_t at = kCertificateTime.count();
  const auto is_after = [&](time_t seconds, const ASN1_TIME* bound) {
    time_t when = seconds;
    return X509_cmp_time(bound, &when) < 0;
  };
  EXPECT_FALSE(is_after(at - 86'401, X509_get0_notBefore(certificate.x509())));
  EXPECT_TRUE(is_after(at - 86'399, X509_get0_notBefore(certificate.x509())));
  EXPECT_FALSE(is_after(at + 30 * 86'400 - 1, X509_get0_notAfter(certificate.x509())));
  EXPECT_TRUE(is_after(at + 30 * 86'400 + 1, X509_get0_notAfter(certificate.x509())));
}

TEST(Certificate, IsAnotherOneEachTime) {
  EXPECT_NE(Certificate::make(kCertificateTime).fingerprint(),
            Certificate::make(kCertificateTime).fingerprint());
}

}  // namespace
}  // namespace simpul::dtls
