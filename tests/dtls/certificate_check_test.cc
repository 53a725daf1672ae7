// Certificates that are made to hurt (row D10 of docs/attacks.md).
#include "dtls/certificate_check.h"

#include "tests/support/dtls_server.h"
#include "tests/support/made_certificate.h"

namespace simpul::dtls {
namespace {

using namespace ::simpul::testing;  // NOLINT(google-build-using-namespace): all of it is ours
using namespace std::chrono_literals;

bool may_be_parsed(EVP_PKEY* key) {
  return dtls::may_be_parsed(make_certificate_message({der_of(make_x509(key).get())}));
}

TEST(CertificateCheck, TakesTheKeysThatPeersHave) {
  for (const char* curve : {"P-256", "P-384", "P-521"}) {
    EXPECT_TRUE(may_be_parsed(make_ec_key(curve).get())) << curve;
  }
  for (const int bits : {1024, 2048, 4096, 8192}) {
    EXPECT_TRUE(may_be_parsed(make_rsa_public_key(bits, 17).get())) << bits;
  }
  EXPECT_TRUE(dtls::may_be_parsed(make_certificate_message({})));
}

TEST(CertificateCheck, RefusesKeysThatCostTooMuch) {
  EXPECT_FALSE(may_be_parsed(make_rsa_public_key(10'000, 17).get()));
  EXPECT_FALSE(may_be_parsed(make_rsa_public_key(8'200, 17).get()));
  EXPECT_FALSE(may_be_parsed(make_rsa_public_key(2048, 2000).get()));  // as slow as signing
}

TEST(CertificateCheck, RefusesCurvesThatAreNotNamedOrNotOurs) {
  EXPECT_FALSE(may_be_parsed(make_explicit_curve_key().get()));
  EXPECT_FALSE(may_be_parsed(make_ec_key("secp256k1").get()));
  EXPECT_FALSE(may_be_parsed(make_ec_key("sect571r1").get()));
  EXPECT_FALSE(may_be_parsed(KeyPtr(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")).get()));
}

TEST(CertificateCheck, TakesFourCertificatesAndNoMore) {
  const auto der = der_of(make_x509(make_ec_key().get()).get());
  EXPECT_TRUE(dtls::may_be_parsed(make_certificate_message({der, der, der, der})));
  EXPECT_FALSE(dtls::may_be_parsed(make_certificate_message({der, der, der, der, der})));
  EXPECT_FALSE(
      dtls::may_be_parsed(make_certificate_message(std::vector<std::vector<uint8_t>>(100, der))));
  const auto bad = der_of(make_x509(make_explicit_curve_key().get()).get());
  EXPECT_FALSE(dtls::may_be_parsed(make_certificate_message({der, bad})));
}

TEST(CertificateCheck, RefusesEveryTruncationUpToTheKey) {
  const auto key = make_ec_key();
  const auto der = der_of(make_x509(key.get()).get());
  for (size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(dtls::may_be_parsed(
        make_certificate_message({{der.begin(), der.begin() + static_cast<long>(size)}})))
        << size;
  }
  const auto message = make_certificate_message({der});
  for (size_t size = 0; size < message.size(); ++size) {
    EXPECT_FALSE(dtls::may_be_parsed(Bytes(message).first(size))) << size;
  }
}

TEST(CertificateCheck, FindsThePointOfAUsualKeyAndNoOther) {
  const auto key = make_ec_key();
  const auto message = make_certificate_message({der_of(make_x509(key.get()).get())});
  uint8_t* expected = nullptr;
  ASSERT_EQ(EVP_PKEY_get1_encoded_public_key(key.get(), &expected), kP256PointSize);
  const auto point = p256_point(message);
  ASSERT_TRUE(point);
  EXPECT_TRUE(std::equal(point->begin(), point->end(), expected));
  OPENSSL_free(expected);
  for (const auto& other : {make_ec_key("P-384"), make_rsa_public_key(2048, 17)}) {
    EXPECT_FALSE(p256_point(make_certificate_message({der_of(make_x509(other.get()).get())})));
  }
  for (size_t size = 0; size + 100 < message.size(); ++size) {
    EXPECT_FALSE(p256_point(Bytes(message).first(size))) << size;
  }
}

TEST(CertificateCheck, RefusesWhatIsBehindTheList) {
  auto message = make_certificate_message({der_of(make_x509(make_ec_key().get()).get())});
  message.push_back(0);
  EXPECT_FALSE(dtls::may_be_parsed(message));
  EXPECT_FALSE(dtls::may_be_parsed(std::vector<uint8_t>{0, 0, 0, 0xff, 0xff, 0xff, 0x30}));
}

// A server that expects this certificate, and a client that has it.
class Holder {
 public:
  Holder(X509Ptr x509, KeyPtr key)
      : listener_({.peer_fingerprints = {fingerprint_of(x509.get())}}) {
    SSL_CTX_set_security_level(client_.context(), 0);
    EXPECT_EQ(SSL_CTX_use_certificate(client_.context(), x509.get()), 1);
    EXPECT_EQ(SSL_CTX_use_PrivateKey(client_.context(), key.get()), 1);
  }
  void add_to_chain(X509* x509) { SSL_CTX_add1_chain_cert(client_.context(), x509); }
  bool connects() { return listener_.connect(client_) && listener_.server_.connected(); }
  DtlsListener& listener() { return listener_; }

 private:
  DtlsListener listener_;
  DtlsRawClient client_;
};

Holder make_holder(KeyPtr key, time_t from = 0, time_t until = 4'000'000'000) {
  auto x509 = make_x509(key.get(), from, until);
  return {std::move(x509), std::move(key)};
}

TEST(HostileCertificate, IsNotOneThatHasExpiredOrIsNotYetValid) {
  EXPECT_TRUE(make_holder(make_ec_key(), 0, 1000).connects());
  EXPECT_TRUE(make_holder(make_ec_key(), 3'900'000'000, 4'000'000'000).connects());
}

TEST(HostileCertificate, IsNotOneWithAKeyOfRsa) {
  EXPECT_TRUE(make_holder(KeyPtr(EVP_RSA_gen(2048))).connects());
}

TEST(HostileCertificate, IsNotOneOfALargerCurve) {
  for (const char* curve : {"P-256", "P-384", "P-521"}) {
    EXPECT_TRUE(make_holder(make_ec_key(curve)).connects()) << curve;
  }
}

TEST(HostileCertificate, WithAnExplicitCurveNeverReachesOpenSsl) {
  Holder holder = make_holder(make_explicit_curve_key());
  EXPECT_FALSE(holder.connects());
  EXPECT_TRUE(holder.listener().events_.empty());
  EXPECT_EQ(holder.listener().server_.counters().restarts, 0u);  // it found nothing to object to
  holder.listener().advance(15s);
  ASSERT_EQ(holder.listener().events_.size(), 1u);
  EXPECT_EQ(std::get<Failed>(holder.listener().events_[0]).reason, HandshakeFailure::kTimeout);
}

TEST(HostileCertificate, WithAHundredOthersBehindItIsDropped) {
  for (const int others : {4, 100}) {
    Holder holder = make_holder(make_ec_key());
    const auto other = make_x509(make_ec_key().get());
    for (int i = 0; i < others; ++i) holder.add_to_chain(other.get());
    EXPECT_FALSE(holder.connects()) << others;
  }
  Holder holder = make_holder(make_ec_key());
  const auto other = make_x509(make_ec_key().get());
  for (int i = 0; i < 3; ++i) holder.add_to_chain(other.get());
  EXPECT_TRUE(holder.connects());
}

TEST(HostileCertificate, OfTwoHundredKilobytesIsDropped) {
  KeyPtr key = make_ec_key();
  auto x509 = make_x509(key.get(), 0, 4'000'000'000, 200'000);
  Holder holder(std::move(x509), std::move(key));
  EXPECT_FALSE(holder.connects());
  EXPECT_GT(holder.listener().server_.counters().datagrams_dropped, 100u);
}

}  // namespace
}  // namespace simpul::dtls
