// Attacks on ICE and on the demultiplexer, while a call goes on. The letters and numbers are the
// rows of docs/attacks.md.
#include <gmock/gmock.h>

#include <array>

#include "crypto/random.h"
#include "ice/stun_message.h"
#include "tests/integration/attack_test.h"

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
  for (int bit = 0; bit < 160; ++bit) {
    auto check = alice_.socket->peer().make_check(true);
    // MESSAGE-INTEGRITY is followed by FINGERPRINT alone: 8 bytes, then 20 of HMAC in front of it.
    check[check.size() - 28 + static_cast<size_t>(bit / 8)] ^= static_cast<uint8_t>(1 << bit % 8);
    mallory_.send(check, target());
    alice_.socket->send(check);
  }
  let_pass();
  EXPECT_EQ(node_.dropped("stun"), before + 320);
  expect_unharmed();
}

TEST_F(AttackOnStun, S2_ChecksWithoutIntegrityOrUsernameAreNotAnswered) {
  for (int i = 0; i < 100; ++i) {
    mallory_.send(request(username(), ""), target());
    mallory_.send(request("", password()), target());
    mallory_.send(request("", ""), target());
  }
  let_pass();
  expect_unharmed();
}

TEST_F(AttackOnStun, S3_TheRightPasswordWithAWrongRemoteFragmentIsRefused) {
  for (int i = 0; i < 100; ++i) {
    mallory_.send(request(alice_.socket->peer().server().username_fragment + ":wrong", password()),
                  target());
  }
  let_pass();
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
  // Mallory has seen the password: her check is authentic and is answered, and that is all.
  const auto check = alice_.socket->peer().make_check(false);
  mallory_.send(check, target());
  ASSERT_TRUE(node_.run_until([&] { return mallory_.received() == 1; }));
  EXPECT_LE(mallory_.bytes_received(), mallory_.bytes_sent());
  std::array<uint8_t, 60> hello{22, 254, 253};
  mallory_.send(hello, target());
  let_pass();
  EXPECT_EQ(mallory_.received(), 1u);
  EXPECT_EQ(node_.report_of(alice_)->remote, alice_before_->remote);
}

TEST_F(AttackOnStun, S11_AReplayedNominationFromElsewhereMovesNoMedia) {
  const auto check = bob_.socket->peer().make_check(true);
  for (int i = 0; i < 50; ++i) mallory_.send(check, bob_.socket->remote());
  let_pass();
  EXPECT_LE(mallory_.bytes_received(), mallory_.bytes_sent());
  EXPECT_EQ(node_.report_of(bob_)->remote, bob_before_->remote);
  const uint64_t video = bob_.video;
  EXPECT_TRUE(node_.run_until([&] { return bob_.video > video + 30; }));
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
    }
    let_pass();
  }
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
