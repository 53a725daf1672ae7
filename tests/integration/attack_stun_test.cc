// Attacks on ICE and on the demultiplexer, while a call goes on. The letters and numbers are the
// rows of docs/attacks.md.
#include <gmock/gmock.h>

#include <array>

#include "crypto/random.h"
#include "ice/stun_message.h"
#include "tests/integration/attack_test.h"
#include "tests/support/read_file.h"

namespace simpul::testing {
namespace {

class AttackOnStun : public AttackTest {
 protected:
  std::vector<uint8_t> request(const std::string& username, const std::string& key,
                               bool use_candidate = true) {
    ice::TransactionId id;
    crypto::random_bytes(id);
    return ice::make_binding_request({.id = id,
                                      .username = username,
                                      .controlling = 7,
                                      .use_candidate = use_candidate,
                                      .key = key});
  }
  std::string username() {
    return alice_.socket->peer().server().username_fragment + ":" +
           alice_.socket->peer().local().username_fragment;
  }
  const std::string& password() { return alice_.socket->peer().server().password; }
};

TEST_F(AttackOnStun, S1_ChecksWithAFlippedIntegrityBitChangeNothing) {
  const uint64_t before = node_.dropped("stun");
  repeat(160, [&](int bit) {
    auto check = alice_.socket->peer().make_check(true);
    // MESSAGE-INTEGRITY is followed by FINGERPRINT alone: 8 bytes, then 20 of HMAC in front of it.
    check[check.size() - 28 + static_cast<size_t>(bit / 8)] ^= static_cast<uint8_t>(1 << bit % 8);
    mallory_.send(check, target());
    alice_.socket->send(check);
  });
  EXPECT_EQ(node_.dropped("stun"), before + 320);
  expect_unharmed();
}

TEST_F(AttackOnStun, S2_ChecksWithoutIntegrityOrUsernameAreNotAnswered) {
  const uint64_t unsigned_before = node_.dropped("stun");
  const uint64_t nameless_before = node_.dropped("unknown_sender");
  repeat(100, [&](int) {
    mallory_.send(request(username(), ""), target());
    mallory_.send(request("", password()), target());
    mallory_.send(request("", ""), target());
  });
  EXPECT_EQ(node_.dropped("stun"), unsigned_before + 100);
  EXPECT_EQ(node_.dropped("unknown_sender"), nameless_before + 200);
  expect_unharmed();
}

TEST_F(AttackOnStun, S3_TheRightPasswordWithAWrongRemoteFragmentIsRefused) {
  const uint64_t before = node_.dropped("stun");
  repeat(100, [&](int) {
    mallory_.send(request(alice_.socket->peer().server().username_fragment + ":wrong", password()),
                  target());
  });
  EXPECT_EQ(node_.dropped("stun"), before + 100);
  expect_unharmed();
}

TEST_F(AttackOnStun, S6_LiesAboutLengthsAreDropped) {
  const auto good = alice_.socket->peer().make_check(true);
  for (size_t size = 0; size <= good.size(); ++size) {
    mallory_.send(Bytes(good).first(size < good.size() ? size : size - 1), target());
  }
  for (const uint16_t length : std::initializer_list<uint16_t>{0, 1, 3, 4, 1400, 65532, 65535}) {
    auto lie = good;
    store_be16(std::span(lie).subspan<2, 2>(), length);  // of the message
    mallory_.send(lie, target());
    lie = good;
    store_be16(std::span(lie).subspan<22, 2>(), length);  // of the first attribute
    mallory_.send(lie, target());
  }
  std::vector<uint8_t> many(20 + 4 * 300);  // 300 empty attributes
  std::copy_n(good.begin(), 20, many.begin());
  store_be16(std::span(many).subspan<2, 2>(), static_cast<uint16_t>(many.size() - 20));
  mallory_.send(many, target());
  let_pass();
  expect_unharmed();
}

TEST_F(AttackOnStun, S10_ACheckWithoutNominationMovesNoMediaAndStartsNoDtls) {
  // Carol has joined. Mallory has seen her password: his check is authentic, and is answered; that
  // is all that it does, though he brings a real hello.
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->peer().accept(answer));
  const auto hello = read_test_data("dtls/chromium-nopqc-hello-0.bin");
  ASSERT_FALSE(hello.empty());
  prove_path(carol->peer(), false);
  repeat(20, [&](int) { mallory_.send(hello, target()); });
  EXPECT_EQ(mallory_.received(), 0u);
  // And of a call that goes on he gets nothing either.
  prove_path(bob_.socket->peer(), false);
  let_pass();
  EXPECT_EQ(mallory_.received(), 0u);
  expect_unharmed();
  // Carol gets in all the same.
  ASSERT_TRUE(carol->start(answer));
  EXPECT_TRUE(node_.run_until([&] { return carol->peer().connected(); }));
}

TEST_F(AttackOnStun, S11_AReplayedNominationFromElsewhereMovesNoMedia) {
  const auto check = bob_.socket->peer().make_check(true);
  repeat(50, [&](int) { mallory_.send(check, bob_.socket->remote()); });
  EXPECT_LE(mallory_.bytes_received(), mallory_.bytes_sent());
  EXPECT_EQ(mallory_.received(), 50u);  // answers to checks, and nothing else
  mallory_.forget_received();
  expect_unharmed();
}

TEST_F(AttackOnStun, S14_WhatIsNoBindingRequestIsIgnored) {
  const auto good = alice_.socket->peer().make_check(true);
  for (const uint16_t type : std::initializer_list<uint16_t>{0x0011, 0x0101, 0x0111, 0x0003, 0x0004,
                                                             0x0008, 0x0009, 0x3fff}) {
    auto other = good;
    store_be16(std::span(other).first<2>(), type);
    mallory_.send(other, target());
  }
  auto legacy = good;  // RFC 3489 had no magic cookie
  store_be32(std::span(legacy).subspan<4, 4>(), 0x12345678);
  mallory_.send(legacy, target());
  let_pass();
  expect_unharmed();
}

TEST_F(AttackOnStun, S15_EveryFirstByteIsTakenForWhatRfc7983Says) {
  for (int length : {1, 2, 12, 20, 100, 1300}) {
    for (int first = 0; first < 256; ++first) {
      std::vector<uint8_t> datagram(static_cast<size_t>(length));
      crypto::random_bytes(datagram);
      datagram[0] = static_cast<uint8_t>(first);
      mallory_.send(datagram, target());
      alice_.socket->send(datagram);
      if (first % 64 == 63) let_pass();
    }
  }
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
