// Attacks on the DTLS handshake, while a call goes on (rows D of docs/attacks.md).
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "base/byte_writer.h"
#include "crypto/random.h"
#include "tests/integration/attack_test.h"

namespace simpul::testing {
namespace {

class AttackOnDtls : public AttackTest {
 protected:
  // A handshake record with one fragment of a ClientHello (RFC 6347 §4.1, §4.2.2).
  static std::vector<uint8_t> fragment(uint16_t message, uint32_t length, uint32_t offset,
                                       uint32_t size, uint64_t record) {
    std::vector<uint8_t> datagram(13 + 12 + size);
    ByteWriter writer(datagram);
    writer.u8(22);
    writer.u16(0xfefd);
    writer.u64(record & 0xffffffffffff);  // epoch 0
    writer.u16(static_cast<uint16_t>(12 + size));
    writer.u8(1);
    writer.u24(length);
    writer.u16(message);
    writer.u24(offset);
    writer.u24(size);
    return datagram;
  }

  // A ClientHello that offers TLS_NULL_WITH_NULL_NULL alone.
  static std::vector<uint8_t> null_hello() {
    std::vector<uint8_t> datagram = fragment(0, 44, 0, 44, 0);
    ByteWriter writer(MutableBytes(datagram).subspan(25));
    writer.u16(0xfefd);
    writer.zeros(32);  // random
    writer.u8(0);      // session id
    writer.u8(0);      // cookie
    writer.u16(2);
    writer.u16(0);  // the suite
    writer.u8(1);
    writer.u8(0);  // no compression
    writer.u16(0);
    return datagram;
  }
};

TEST_F(AttackOnDtls, D1_AClientHelloFromElsewhereLosesTheRace) {
  // A new guest joins; somebody else's hello is there before theirs, a thousand times.
  std::unique_ptr<peer::PeerSocket> carol = std::make_unique<peer::PeerSocket>(
      node_.loop(), peer::Options{}, node_.identity(), peer::PeerSocket::Handlers{});
  const auto join = node_.join({.role = node::Role::kWatcher,
                                .room = "stage",
                                .participant = "carol",
                                .offer = carol->peer().offer()});
  ASSERT_TRUE(join);
  const auto hello = null_hello();
  for (int i = 0; i < 1000; ++i) mallory_.send(hello, target());
  let_pass();
  ASSERT_TRUE(carol->start(join->answer));
  ASSERT_TRUE(node_.run_until([&] {
    mallory_.send(hello, target());
    return carol->peer().connected();
  }));
  EXPECT_EQ(mallory_.received(), 0u);
  ++connections_before_;
  expect_unharmed();
}

TEST_F(AttackOnDtls, D3_DtlsBeforeAnyCheckStartsNothing) {
  const auto carol = node_.join({.role = node::Role::kWatcher,
                                 .room = "stage",
                                 .participant = "carol",
                                 .offer = bob_.socket->peer().offer()});
  ASSERT_TRUE(carol);
  ++connections_before_;
  const auto before = node_.node().report();
  std::ifstream file(SIMPUL_TEST_DATA "/dtls/firefox-hello-0.bin", std::ios::binary);
  std::vector<uint8_t> hello((std::istreambuf_iterator<char>(file)), {});
  if (hello.empty()) hello = null_hello();
  for (int i = 0; i < 100; ++i) mallory_.send(hello, target());
  let_pass();
  node_.refresh();
  EXPECT_EQ(node_.node().report().workers[0].handshakes, before.workers[0].handshakes);
  expect_unharmed();
}

TEST_F(AttackOnDtls, D5_TenThousandFragmentsThatNeverCompleteAreBounded) {
  // From a validated path: a guest of the node who never means to finish.
  LiveGuest* carol = &node_.watch("stage", "carol");
  ++connections_before_;
  ASSERT_TRUE(node_.run_until([&] { return carol->socket->datagrams_received() > 0; }));
  for (uint32_t i = 0; i < 10'000; ++i) {
    const uint32_t length = i % 3 == 0 ? 0xffffff : 9000;
    const uint32_t size = i % 5;  // zero too
    const uint32_t offset = i % 7 == 0 ? length - 1 : i % 8000;
    carol->socket->send(fragment(static_cast<uint16_t>(i % 10), length, offset, size, i));
    if (i % 500 == 0) let_pass();
  }
  expect_unharmed();
}

TEST_F(AttackOnDtls, D9_ACertificateThatIsNotTheOffersEndsTheConnectionAtOnce) {
  const auto other = dtls::Certificate::make(std::chrono::seconds(1'700'000'000)).fingerprint();
  const auto own = node_.identity().certificate.fingerprint();
  std::string lower = other.to_string();
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const std::string& fingerprint : {other.to_string(), lower}) {
    LiveGuest& carol =
        node_.publish("other", "carol", {.publishes = true, .fingerprint = fingerprint});
    ASSERT_TRUE(node_.run_until([&] { return !node_.node().room("other").has_value(); }));
    EXPECT_EQ(carol.video, 0u);
  }
  // Neither half of the alphabet matters where the certificate is the right one.
  lower = own.to_string();
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  LiveGuest& dave = node_.publish("another", "dave", {.publishes = true, .fingerprint = lower});
  EXPECT_TRUE(node_.run_until([&] { return dave.connected(); }));
  ++connections_before_;
  expect_unharmed();
}

TEST_F(AttackOnDtls, D9_AnOfferWithoutAUsableFingerprintIsRefused) {
  for (const std::string line :
       {"sha-1 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33",
        "md5 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF", "sha-256 00:11"}) {
    peer::PeerSocket carol(node_.loop(), {.publishes = true, .fingerprint = line}, node_.identity(),
                           {});
    const auto join = node_.join({.role = node::Role::kPublisher,
                                  .room = "other",
                                  .participant = "carol",
                                  .offer = carol.peer().offer()});
    ASSERT_FALSE(join);
    EXPECT_EQ(join.error().kind, node::JoinError::Kind::kInvalidSdp);
  }
  expect_unharmed();
}

TEST_F(AttackOnDtls, D15_MediaBeforeTheHandshakeIsDropped) {
  LiveGuest& carol = node_.watch("stage", "carol");
  ++connections_before_;
  ASSERT_TRUE(node_.run_until([&] { return carol.socket->datagrams_received() > 0; }));
  std::array<uint8_t, 200> rtp{0x80, 96};
  std::array<uint8_t, 200> rtcp{0x80, 200};
  std::array<uint8_t, 60> data{23, 254, 253};
  for (int i = 0; i < 100; ++i) {
    carol.socket->send(rtp);
    carol.socket->send(rtcp);
    carol.socket->send(data);
  }
  ASSERT_TRUE(node_.run_until([&] { return carol.connected(); }));
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
