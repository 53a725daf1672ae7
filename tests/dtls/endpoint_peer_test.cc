// What kinds of peers an endpoint connects to.
#include <openssl/ssl.h>

#include <algorithm>
#include <array>

#include "dtls/endpoint.h"
#include "tests/support/dtls_server.h"

namespace simpul::dtls {
namespace {

using namespace std::chrono_literals;
using ::simpul::testing::client_identity;
using ::simpul::testing::DtlsPair;
using ::simpul::testing::DtlsRawClient;
using ::simpul::testing::DtlsServer;
using ::simpul::testing::server_identity;

TEST_F(DtlsServer, DoesNotConnectWithoutACertificateOfThePeer) {
  DtlsRawClient client;
  EXPECT_FALSE(connect(client));
  EXPECT_FALSE(server_.connected());
  EXPECT_TRUE(events_.empty());
  advance(15s);
  expect_failed(HandshakeFailure::kTimeout);
}

TEST_F(DtlsServer, FailsWithoutACommonSrtpProfile) {
  DtlsRawClient client;
  give_certificate(client);
  SSL_CTX_set_tlsext_use_srtp(client.context(), "SRTP_AES128_CM_SHA1_32");
  EXPECT_FALSE(connect(client));
  expect_failed(HandshakeFailure::kNoSrtpProfile);
}

TEST_F(DtlsServer, TakesCountersWithHmacWhereThatIsAllThePeerHas) {
  DtlsRawClient client;
  give_certificate(client);
  ASSERT_TRUE(connect(client));
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(std::get<Connected>(events_[0]).profile, SrtpProfile::kAes128CmHmacSha1_80);
}

TEST_F(DtlsServer, PrefersGcmWhateverOrderThePeerHas) {
  DtlsRawClient client;
  give_certificate(client);
  SSL_CTX_set_tlsext_use_srtp(client.context(),
                              "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM");
  ASSERT_TRUE(connect(client));
  EXPECT_EQ(std::get<Connected>(events_[0]).profile, SrtpProfile::kAeadAes128Gcm);
}

TEST_F(DtlsServer, TakesTheLongerKeyOfGcmWhereThePeerHasNoShorterOne) {
  DtlsRawClient client;
  give_certificate(client);
  SSL_CTX_set_tlsext_use_srtp(client.context(), "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM");
  ASSERT_TRUE(connect(client));
  const auto& connected = std::get<Connected>(events_[0]);
  EXPECT_EQ(connected.profile, SrtpProfile::kAeadAes256Gcm);
  // RFC 5764 §4.2 with keys of 32 bytes and salts of 12.
  std::array<uint8_t, 88> material{};
  ASSERT_EQ(SSL_export_keying_material(client.ssl(), material.data(), material.size(),
                                       "EXTRACTOR-dtls_srtp", 19, nullptr, 0, 0),
            1);
  EXPECT_TRUE(std::equal(material.begin(), material.begin() + 32, connected.remote.key.begin()));
  EXPECT_TRUE(
      std::equal(material.begin() + 32, material.begin() + 64, connected.local.key.begin()));
  EXPECT_TRUE(
      std::equal(material.begin() + 64, material.begin() + 76, connected.remote.salt.begin()));
  EXPECT_TRUE(
      std::equal(material.begin() + 76, material.begin() + 88, connected.local.salt.begin()));
}

TEST_F(DtlsServer, RefusesDtls10AndSuitesWithoutAuthenticatedEncryption) {
  {
    DtlsRawClient old;
    give_certificate(old);
    SSL_CTX_set_max_proto_version(old.context(), DTLS1_VERSION);
    EXPECT_FALSE(connect(old));
  }
  for (const auto* suites :
       {"ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"}) {
    DtlsRawClient weak;
    give_certificate(weak);
    SSL_CTX_set_cipher_list(weak.context(), suites);
    EXPECT_FALSE(connect(weak)) << suites;
  }
  EXPECT_FALSE(server_.connected());
}

TEST_F(DtlsServer, ExportsTheKeysThatThePeerExports) {
  DtlsRawClient client;
  give_certificate(client);
  ASSERT_TRUE(connect(client));
  std::array<uint8_t, 60> material{};
  ASSERT_EQ(SSL_export_keying_material(client.ssl(), material.data(), material.size(),
                                       "EXTRACTOR-dtls_srtp", 19, nullptr, 0, 0),
            1);
  const auto& connected = std::get<Connected>(events_[0]);
  // Client key, server key, client salt, server salt (RFC 5764 §4.2).
  EXPECT_TRUE(std::equal(material.begin(), material.begin() + 16, connected.remote.key.begin()));
  EXPECT_TRUE(
      std::equal(material.begin() + 16, material.begin() + 32, connected.local.key.begin()));
  EXPECT_TRUE(
      std::equal(material.begin() + 32, material.begin() + 46, connected.remote.salt.begin()));
  EXPECT_TRUE(
      std::equal(material.begin() + 46, material.begin() + 60, connected.local.salt.begin()));
}

TEST_F(DtlsServer, CountsAndDropsApplicationData) {
  DtlsRawClient client;
  give_certificate(client);
  ASSERT_TRUE(connect(client));
  client.take_written();
  client.write(as_bytes("hello"));
  for (const auto& datagram : client.take_written()) EXPECT_TRUE(receive(datagram).empty());
  EXPECT_EQ(server_.counters().data_records_dropped, 1u);
  EXPECT_TRUE(server_.connected());
}

TEST_F(DtlsServer, RefusesToNegotiateAgain) {
  DtlsRawClient client;
  give_certificate(client);
  ASSERT_TRUE(connect(client));
  client.take_written();
  client.renegotiate();
  now_ += 1s;
  const int steps = steps_;
  for (const auto& datagram : client.take_written()) receive(datagram);
  EXPECT_EQ(steps_, steps);
  EXPECT_TRUE(server_.connected());
  EXPECT_EQ(events_.size(), 1u);
}

class DtlsFingerprint : public ::testing::Test {
 protected:
  // Whether a server with these expectations connects to the client.
  static bool connects(DtlsPair::Fingerprints expected) {
    DtlsPair pair({server_identity().certificate.fingerprint()}, std::move(expected));
    pair.start();
    pair.run(1s);
    if (pair.connected()) return true;
    EXPECT_EQ(pair.server.events.size(), 1u);
    const auto* failed = pair.server.last<Failed>();
    EXPECT_TRUE(failed != nullptr && failed->reason == HandshakeFailure::kFingerprint);
    EXPECT_FALSE(pair.client.endpoint.connected());
    for (const auto& [to_server, bytes] : pair.log) {
      EXPECT_TRUE(to_server || bytes[0] != 20) << "the server completed the handshake";
    }
    return false;
  }
  static Fingerprint of(crypto::DigestAlgorithm algorithm) {
    X509* x509 = client_identity().certificate.x509();
    std::vector<uint8_t> der(static_cast<size_t>(i2d_X509(x509, nullptr)));
    uint8_t* end = der.data();
    i2d_X509(x509, &end);
    return Fingerprint::of(algorithm, der);
  }

  const Fingerprint sha256_ = of(crypto::DigestAlgorithm::kSha256);
  const Fingerprint sha384_ = of(crypto::DigestAlgorithm::kSha384);
  const Fingerprint sha512_ = of(crypto::DigestAlgorithm::kSha512);
};

TEST_F(DtlsFingerprint, ConnectsWhenItIsThePeersInEveryAlgorithm) {
  EXPECT_TRUE(connects({sha256_}));
  EXPECT_TRUE(connects({sha384_}));
  EXPECT_TRUE(connects({sha256_, sha512_}));
}

TEST_F(DtlsFingerprint, FailsBeforeAnyKeyWhenItIsAnothers) {
  EXPECT_FALSE(connects({server_identity().certificate.fingerprint()}));
}

TEST_F(DtlsFingerprint, FailsWhenOneOfTwoAlgorithmsDoesNotMatch) {
  auto wrong = sha512_;
  wrong.bytes[63] ^= 1;
  EXPECT_FALSE(connects({sha256_, wrong}));
  auto also_wrong = sha256_;
  also_wrong.bytes[0] ^= 0x80;
  EXPECT_FALSE(connects({also_wrong, sha512_}));
}

TEST_F(DtlsFingerprint, ConnectsWhenOneOfTwoOfTheSameAlgorithmMatches) {
  EXPECT_TRUE(connects({server_identity().certificate.fingerprint(), sha256_}));
}

TEST_F(DtlsFingerprint, FailsWhenNoneIsGiven) { EXPECT_FALSE(connects({})); }

TEST_F(DtlsFingerprint, IsCheckedByTheClientToo) {
  DtlsPair pair({sha256_}, {sha256_});  // the server's is another one
  pair.start();
  pair.run(1s);
  ASSERT_EQ(pair.client.events.size(), 1u);
  EXPECT_EQ(pair.client.last<Failed>()->reason, HandshakeFailure::kFingerprint);
}

}  // namespace
}  // namespace simpul::dtls
