// Attacks on the DTLS handshake, while a call goes on (rows D of docs/attacks.md).
#include <gmock/gmock.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>

#include "base/byte_writer.h"
#include "crypto/random.h"
#include "tests/integration/attack_test.h"
#include "tests/support/read_file.h"

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

  // How many of OpenSSL's connections were ever made in this process.
  static size_t openssl_objects() {
    static std::atomic<size_t> made{0};
    static const int index = SSL_get_ex_new_index(
        0, nullptr, [](void*, void*, CRYPTO_EX_DATA*, int, long, void*) { ++made; }, nullptr,
        nullptr);
    EXPECT_GE(index, 0);
    return made;
  }

  static std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  }

  // Sanitizers hold back what is freed: there memory grows by what passes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static constexpr bool kMemoryComesBack = false;
#else
  static constexpr bool kMemoryComesBack = true;
#endif
  static size_t resident_bytes() {
    size_t total = 0;
    size_t resident = 0;
    std::ifstream("/proc/self/statm") >> total >> resident;
    return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
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
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  const auto hello = null_hello();
  const uint64_t before = node_.dropped("unknown_sender");
  repeat(1000, [&](int) { mallory_.send(hello, target()); });
  EXPECT_EQ(node_.dropped("unknown_sender"), before + 1000);
  ASSERT_TRUE(carol->start(answer));
  ASSERT_TRUE(node_.run_until([&] {
    mallory_.send(hello, target());
    return carol->peer().connected();
  }));
  expect_unharmed();
}

TEST_F(AttackOnDtls, D2_AHelloFromAnotherPortOfAProvedAddressIsDropped) {
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->peer().accept(answer));
  prove_path(carol->peer(), true);
  RawSocket neighbour(node_.loop());  // of mallory_: the same address, another port
  const auto hello = null_hello();
  const uint64_t before = node_.dropped("unknown_sender");
  repeat(200, [&](int) { neighbour.send(hello, target()); });
  EXPECT_EQ(node_.dropped("unknown_sender"), before + 200);
  EXPECT_EQ(neighbour.received(), 0u);
  expect_unharmed();
}

TEST_F(AttackOnDtls, D2_ForgedHellosFromTheVeryPathDoNotEndTheHandshake) {
  const auto hello = null_hello();
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->start(answer));
  int forged = 0;
  EXPECT_TRUE(node_.run_until([&] {
    // As often as a handshake is begun anew.
    if (forged < 5 && !carol->peer().connected()) {
      carol->send(hello);
      ++forged;
    }
    return carol->peer().connected();
  }));
  EXPECT_GT(forged, 0);
  expect_unharmed();
}

TEST_F(AttackOnDtls, D2_TheSixthForgedHelloEndsThatHandshakeAndNothingElse) {
  const auto hello = null_hello();
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->peer().accept(answer));
  prove_path(carol->peer(), true);
  const uint64_t before = handshakes("handshake");
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(handshakes("handshake"), before);
    mallory_.send(hello, target());
    let_pass();
  }
  ASSERT_TRUE(node_.run_until([&] { return handshakes("handshake") == before + 1; }));
  --connections_before_;
  expect_unharmed();
}

TEST_F(AttackOnDtls, D3_DtlsBeforeAnyCheckStartsNothing) {
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  const auto hello = read_test_data("dtls/firefox-hello-0.bin");
  ASSERT_FALSE(hello.empty());
  const uint64_t before = node_.dropped("unknown_sender");
  repeat(100, [&](int) { mallory_.send(hello, target()); });
  EXPECT_EQ(node_.dropped("unknown_sender"), before + 100);
  expect_unharmed();
}

TEST_F(AttackOnDtls, D4_AFloodOfHellosFromManyAddressesMakesNoObjectOfOpenSsl) {
  const auto whole = read_test_data("dtls/chromium-nopqc-hello-0.bin");
  const auto part = read_test_data("dtls/firefox-hello-0.bin");
  std::vector<std::unique_ptr<RawSocket>> strangers;
  for (int i = 0; i < 250; ++i) {
    strangers.push_back(std::make_unique<RawSocket>(
        node_.loop(), "127.0." + std::to_string(1 + i / 100) + "." + std::to_string(3 + i % 100)));
  }
  const uint64_t dropped = node_.dropped("unknown_sender");
  const size_t objects = openssl_objects();
  repeat(5'000, [&](int i) {
    strangers[static_cast<size_t>(i) % strangers.size()]->send(i % 2 == 0 ? whole : part, target());
  });
  EXPECT_EQ(openssl_objects(), objects);
  EXPECT_EQ(node_.dropped("unknown_sender"), dropped + 5'000);
  for (const auto& stranger : strangers) EXPECT_EQ(stranger->bytes_received(), 0u);
  expect_unharmed();
  // The count counts: a guest's handshake makes two, theirs and the node's.
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->start(answer));
  ASSERT_TRUE(node_.run_until([&] { return carol->peer().connected(); }));
  EXPECT_EQ(openssl_objects(), objects + 2);
}

TEST_F(AttackOnDtls, D5_TenThousandFragmentsThatNeverCompleteAreBounded) {
  // Mallory is a guest himself, with a path of his own, and never means to finish.
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->peer().accept(answer));
  prove_path(carol->peer(), true);
  const uint64_t ok = handshakes("ok");
  const size_t memory = resident_bytes();
  // Quickly: who does not come on is forgotten after half a minute.
  for (uint32_t i = 0; i < 10'000; ++i) {
    const uint32_t length = i % 3 == 0 ? 0xffffff : 9000;
    const uint32_t size = i % 5;  // zero too
    const uint32_t offset = i % 7 == 0 ? length - 1 : i % 8000;
    mallory_.send(fragment(static_cast<uint16_t>(i % 10), length, offset, size, i), target());
    if (i % 250 == 249) let_pass();
  }
  EXPECT_EQ(handshakes("ok"), ok);
  EXPECT_FALSE(carol->peer().connected());
  // A handshake that is under way keeps 64 KB at most; what is sent must not add up.
  // The rest is what this process, its own peers among it, took meanwhile.
  if (kMemoryComesBack) {
    EXPECT_LT(resident_bytes(), memory + (8u << 20));
  }
  // Every datagram of the handshake that the node sent back is an answer to a hello, of which
  // there was none.
  EXPECT_LE(mallory_.bytes_received(), mallory_.bytes_sent());
  mallory_.forget_received();
  expect_unharmed();
}

TEST_F(AttackOnDtls, D9_ACertificateThatIsNotTheOffersEndsTheConnectionAtOnce) {
  const auto other = dtls::Certificate::make(std::chrono::seconds(1'700'000'000)).fingerprint();
  const auto own = node_.identity().certificate.fingerprint();
  const uint64_t before = handshakes("fingerprint");
  uint64_t ended = before;
  for (const std::string& fingerprint : {other.to_string(), lower_case(other.to_string())}) {
    const LiveGuest& carol =
        node_.publish("other", "carol", {.publishes = true, .fingerprint = fingerprint});
    const LiveGuest& dave = node_.watch("other", "dave");
    // Not by the handshake's timeout, which counts elsewhere.
    ++ended;
    ASSERT_TRUE(node_.run_until([&] { return handshakes("fingerprint") == ended; }));
    EXPECT_FALSE(carol.connected());
    EXPECT_EQ(dave.video + dave.audio, 0u);
    node_.node().leave("other", dave.session);
  }
  // Neither half of the alphabet matters where the certificate is the right one.
  const LiveGuest& erin = node_.publish(
      "another", "erin", {.publishes = true, .fingerprint = lower_case(own.to_string())});
  EXPECT_TRUE(node_.run_until([&] { return erin.connected(); }));
  ++connections_before_;
  ASSERT_TRUE(node_.run_until([&] { return !node_.node().room("other").has_value(); }));
  expect_unharmed();
}

TEST_F(AttackOnDtls, D9_OfTwoFingerprintsBothCount) {
  const auto other = dtls::Certificate::make(std::chrono::seconds(1'700'000'000)).fingerprint();
  const auto own = node_.identity().certificate.fingerprint();
  const uint64_t before = handshakes("fingerprint");
  // The right one, and a wrong one of a stronger hash.
  const std::string wrong = "sha-512 " + other.hex() + ":" + other.hex();
  const LiveGuest& carol = node_.publish(
      "other", "carol",
      {.publishes = true, .fingerprint = own.to_string() + "\r\na=fingerprint:" + wrong});
  ASSERT_TRUE(node_.run_until([&] { return handshakes("fingerprint") == before + 1; }));
  EXPECT_FALSE(carol.connected());
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

TEST_F(AttackOnDtls, D10_AHostileCertificateNeverReachesOpenSsl) {
  // Whoever cannot be refused by the offer: its fingerprint is right. What is sent is a list of a
  // hundred certificates in one message, and one of 200 KB.
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->peer().accept(answer));
  prove_path(carol->peer(), true);
  const size_t objects = openssl_objects();
  repeat(1'000, [&](int i) {
    const auto number = static_cast<uint32_t>(i);
    auto piece = fragment(1, i % 2 == 0 ? 5'120 : 200'000, number % 5 * 1'000, 120, number);
    piece[13] = 11;  // Certificate
    mallory_.send(piece, target());
  });
  EXPECT_EQ(openssl_objects(), objects);
  EXPECT_EQ(mallory_.received(), 0u);
  expect_unharmed();
}

TEST_F(AttackOnDtls, D14_AnOfferOfAnythingButDtlsIsRefused) {
  const auto outcome = [&](const std::string& what, const std::string& with) {
    peer::PeerSocket carol(node_.loop(), {.publishes = true}, node_.identity(), {});
    std::string offer = carol.peer().offer();
    for (size_t at = offer.find(what); at != std::string::npos;
         at = offer.find(what, at + with.size())) {
      offer.replace(at, what.size(), with);
    }
    const auto join = node_.join({.role = node::Role::kPublisher,
                                  .room = "other",
                                  .participant = "carol",
                                  .offer = std::move(offer)});
    return join ? std::nullopt : std::optional(join.error().kind);
  };
  using Kind = node::JoinError::Kind;
  for (const char* protocol : {"RTP/AVP", "RTP/AVPF", "RTP/SAVP"}) {
    EXPECT_EQ(outcome("UDP/TLS/RTP/SAVPF", protocol), Kind::kUnsupportedMedia) << protocol;
  }
  EXPECT_EQ(outcome("a=rtcp-mux\r\n",
                    "a=rtcp-mux\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 "
                    "inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"),
            Kind::kUnsupportedMedia);
  EXPECT_EQ(outcome("setup:actpass", "setup:holdconn"), Kind::kInvalidSdp);
  EXPECT_EQ(outcome("a=fingerprint:", "a=no-fingerprint:"), Kind::kInvalidSdp);
  EXPECT_FALSE(node_.node().room("other").has_value());
  expect_unharmed();
}

TEST_F(AttackOnDtls, D14_TwoPassiveEndsDoNotMeet) {
  // An offer of setup:passive is answered by active, whatever we would rather be.
  std::string answer;
  const auto carol = joined("stage", "carol", answer, {.waits_for_hello = true});
  EXPECT_NE(answer.find("a=setup:active"), std::string::npos);
  EXPECT_EQ(answer.find("a=setup:passive"), std::string::npos);
  ASSERT_TRUE(carol->start(answer));
  EXPECT_TRUE(node_.run_until([&] { return carol->peer().connected(); }));
  expect_unharmed();
}

TEST_F(AttackOnDtls, D15_MediaBeforeTheHandshakeIsDropped) {
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->peer().accept(answer));
  prove_path(carol->peer(), true);
  const uint64_t before = node_.dropped("before_keys");
  std::array<uint8_t, 200> rtp{0x80, 96};
  std::array<uint8_t, 200> rtcp{0x80, 200};
  std::array<uint8_t, 60> data{23, 254, 253};
  repeat(100, [&](int) {
    mallory_.send(rtp, target());
    mallory_.send(rtcp, target());
    mallory_.send(data, target());
  });
  EXPECT_EQ(node_.dropped("before_keys"), before + 200);
  mallory_.forget_received();
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
