// The client's role, which we have where the peer offers setup:passive.
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <string_view>

#include "tests/support/dtls_server.h"
#include "tests/support/srtp_packets.h"

namespace simpul::dtls {
namespace {

using namespace std::chrono_literals;
using ::simpul::testing::client_identity;
using ::simpul::testing::DtlsIdentity;
using ::simpul::testing::DtlsListener;
using ::simpul::testing::DtlsPair;
using ::simpul::testing::DtlsRawClient;
using ::simpul::testing::make_rtp;
using ::simpul::testing::open_rtp;
using ::simpul::testing::seal_rtp;
using ::simpul::testing::server_identity;

// An endpoint that calls, and OpenSSL that is called.
class DtlsCaller : public ::testing::Test {
 protected:
  DtlsCaller() {
    SSL_CTX_use_certificate(peer_.context(), client_identity().certificate.x509());
    SSL_CTX_use_PrivateKey(peer_.context(), client_identity().certificate.key());
    SSL_CTX_set_verify(peer_.context(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  }
  bool connect() {
    auto said = caller_.start();
    for (int round = 0; round < 6 && !caller_.server_.handshake_over(); ++round) {
      peer_.handshake(said);
      said = caller_.receive_all(peer_.take_written());
    }
    return caller_.server_.connected();
  }

  DtlsListener caller_{
      {.role = Role::kClient, .peer_fingerprints = {client_identity().certificate.fingerprint()}}};
  DtlsRawClient peer_{DtlsRawClient::Part::kServer};
};

TEST_F(DtlsCaller, ConnectsToAServerAndKnowsItsKeys) {
  ASSERT_TRUE(connect());
  const auto& connected = std::get<Connected>(caller_.events_.at(0));
  EXPECT_EQ(connected.profile, SrtpProfile::kAes128CmHmacSha1_80);
  std::array<uint8_t, 60> material{};
  ASSERT_EQ(SSL_export_keying_material(peer_.ssl(), material.data(), material.size(),
                                       "EXTRACTOR-dtls_srtp", 19, nullptr, 0, 0),
            1);
  EXPECT_TRUE(std::equal(material.begin(), material.begin() + 16, connected.local.key.begin()));
  EXPECT_TRUE(
      std::equal(material.begin() + 16, material.begin() + 32, connected.remote.key.begin()));
  EXPECT_EQ(caller_.server_.next_deadline(), kNever);
}

TEST_F(DtlsCaller, ComesBackWithTheCookieThatItIsAskedFor) {
  SSL_CTX_set_options(peer_.context(), SSL_OP_COOKIE_EXCHANGE);
  SSL_CTX_set_cookie_generate_cb(peer_.context(), [](SSL*, unsigned char* cookie, unsigned* size) {
    std::ranges::copy(std::string_view("cookie"), cookie);
    *size = 6;
    return 1;
  });
  SSL_CTX_set_cookie_verify_cb(peer_.context(),
                               [](SSL*, const unsigned char* cookie, unsigned size) {
                                 return size == 6 && std::memcmp(cookie, "cookie", 6) == 0 ? 1 : 0;
                               });
  EXPECT_TRUE(connect());
}

TEST_F(DtlsCaller, RefusesAServerThatIsNotTheOneOfTheDescription) {
  SSL_CTX_use_certificate(peer_.context(), server_identity().certificate.x509());
  SSL_CTX_use_PrivateKey(peer_.context(), server_identity().certificate.key());
  EXPECT_FALSE(connect());
  ASSERT_EQ(caller_.events_.size(), 1u);
  EXPECT_EQ(std::get<Failed>(caller_.events_[0]).reason, HandshakeFailure::kFingerprint);
}

TEST_F(DtlsCaller, HearsGoodbyeAndSaysIt) {
  ASSERT_TRUE(connect());
  EXPECT_TRUE(peer_.hears_goodbye(caller_.close()));
}

TEST_F(DtlsCaller, SendsItsHelloAgainUntilItIsHeard) {
  const auto hello = caller_.start();
  ASSERT_FALSE(hello.empty());
  EXPECT_EQ(caller_.advance(50ms), hello);
  EXPECT_EQ(caller_.advance(100ms), hello);
  EXPECT_TRUE(caller_.start().empty());
  peer_.handshake(hello);
  const auto said = caller_.receive_all(peer_.take_written());
  EXPECT_FALSE(said.empty());
  peer_.handshake(said);
  caller_.receive_all(peer_.take_written());
  EXPECT_TRUE(caller_.server_.connected());
}

class EachProfile : public ::testing::TestWithParam<SrtpProfile> {};

INSTANTIATE_TEST_SUITE_P(Srtp, EachProfile, ::testing::ValuesIn(Context::kSrtpProfiles));

// Whoever offers one profile alone gets it, and both sides can read one another.
TEST_P(EachProfile, IsAgreedOnAndCarriesPacketsBothWays) {
  const std::array only = {GetParam()};
  const DtlsIdentity client(only);
  DtlsPair pair({server_identity().certificate.fingerprint()}, {client.certificate.fingerprint()},
                client);
  pair.start();
  pair.run(1s);
  ASSERT_TRUE(pair.connected());
  const auto& at_client = *pair.client.last<Connected>();
  const auto& at_server = *pair.server.last<Connected>();
  EXPECT_EQ(at_client.profile, GetParam());
  EXPECT_EQ(at_server.profile, GetParam());
  crypto::CipherEngine engine;
  const auto passes = [&](const SrtpMasterKey& from, const SrtpMasterKey& to) {
    SrtpSender sender(engine, from);
    SrtpReceiver receiver(engine, to);
    const auto plain = make_rtp({.sequence_number = 5});
    const auto rtcp = ::simpul::testing::make_rtcp(1, 40);
    return open_rtp(receiver, seal_rtp(sender, plain, 12, 5)) == plain &&
           ::simpul::testing::open_rtcp(receiver, ::simpul::testing::seal_rtcp(sender, rtcp)) ==
               rtcp;
  };
  EXPECT_TRUE(passes(at_client.local, at_server.remote));
  EXPECT_TRUE(passes(at_server.local, at_client.remote));
}

}  // namespace
}  // namespace simpul::dtls
