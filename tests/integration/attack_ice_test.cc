// More attacks on ICE while a call goes on: names, signatures, roles, paths, silence and addresses
// (rows S of docs/attacks.md). What is sent to be dropped comes from elsewhere, and often from
// somebody who knows a password.
#include <netdb.h>

#include <gmock/gmock.h>

#include <atomic>
#include <numeric>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "ice/stun_message.h"
#include "tests/integration/attack_test.h"
#include "tests/support/read_file.h"

namespace {

std::atomic<int> look_ups = 0;

}  // namespace

// Stands in for the C library's in this whole program: nobody is to look a name up.
extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  ++look_ups;
  return EAI_FAIL;
}

namespace simpul::testing {
namespace {

constexpr uint16_t kUseCandidate = 0x0025;
constexpr uint16_t kFingerprint = 0x8028;
constexpr uint32_t kFingerprintXor = 0x5354554e;
constexpr size_t kFingerprintAttribute = 8;

class AttackOnIce : public AttackTest {
 protected:
  using AttackTest::AttackTest;

  static std::string name_of(const peer::Peer& peer) {
    return peer.server().username_fragment + ":" + peer.local().username_fragment;
  }
  static ice::TransactionId transaction() {
    ice::TransactionId id;
    crypto::random_bytes(id);
    return id;
  }
  std::vector<uint8_t> signed_as(const std::string& username, const std::string& password) {
    return ice::make_binding_request({.id = transaction(),
                                      .username = username,
                                      .controlling = 7,
                                      .use_candidate = true,
                                      .key = password});
  }
  // With a name that no writer of ours takes.
  static std::vector<uint8_t> named(const std::string& username) {
    auto message = opened(ice::make_binding_request({.id = transaction()}));
    append(message, 0x0006, as_bytes(username));
    return message;
  }
  peer::Peer& alice() { return alice_.socket->peer(); }
  peer::Peer& bob() { return bob_.socket->peer(); }

  // Appends an attribute and tells the header of it.
  static void append(std::vector<uint8_t>& message, uint16_t type, Bytes value) {
    const size_t at = message.size();
    message.resize(at + 4 + value.size());
    store_be16(std::span(message).subspan(at).first<2>(), type);
    store_be16(std::span(message).subspan(at + 2).first<2>(), static_cast<uint16_t>(value.size()));
    std::ranges::copy(value, message.begin() + static_cast<int64_t>(at + 4));
    store_be16(std::span(message).subspan<2, 2>(), static_cast<uint16_t>(message.size() - 20));
  }
  static void append_fingerprint(std::vector<uint8_t>& message) {
    // It covers a header that counts it already.
    store_be16(std::span(message).subspan<2, 2>(),
               static_cast<uint16_t>(message.size() + kFingerprintAttribute - 20));
    std::array<uint8_t, 4> value{};
    store_be32(value, crypto::crc32(message) ^ kFingerprintXor);
    append(message, kFingerprint, value);
  }
  // Without the fingerprint at its end.
  static std::vector<uint8_t> opened(std::vector<uint8_t> message) {
    message.resize(message.size() - kFingerprintAttribute);
    store_be16(std::span(message).subspan<2, 2>(), static_cast<uint16_t>(message.size() - 20));
    return message;
  }

  // Sends until something comes back, and reads it as a signed error of the peer's server.
  void expect_signed_error(const std::vector<uint8_t>& request, const peer::Peer& peer,
                           uint16_t code) {
    ASSERT_TRUE(node_.run_until([&] {
      mallory_.send(request, target());
      return mallory_.received() > 0;
    }));
    const auto answer = ice::StunMessage::parse(mallory_.last_received());
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->message_class(), ice::StunClass::kError);
    EXPECT_EQ(answer->error_code(), code);
    EXPECT_TRUE(answer->has_integrity(crypto::HmacSha1(as_bytes(peer.server().password))));
    EXPECT_LE(mallory_.last_received().size(), request.size());
  }
  // A path that a check has proved is answered when it brings a hello, or at least led somewhere.
  void expect_no_path() {
    let_pass();
    mallory_.forget_received();
    const auto hello = read_test_data("dtls/firefox-hello-0.bin");
    const uint64_t before = node_.dropped("unknown_sender");
    repeat(10, [&](int) { mallory_.send(hello, target()); });
    EXPECT_EQ(node_.dropped("unknown_sender"), before + 10);
    EXPECT_EQ(mallory_.received(), 0u);
  }
};

TEST_F(AttackOnIce, S4_NoNameGoesWithAnothersPassword) {
  const uint64_t wrong = node_.dropped("stun");
  const uint64_t unknown = node_.dropped("unknown_sender");
  const std::string ours = alice().server().username_fragment;
  const std::string theirs = alice().local().username_fragment;
  const std::string& password = alice().server().password;
  // They lead to alice's connection, which refuses them.
  const std::vector<std::string> refused = {
      ours + ":", ours + ":" + theirs + ":", ours + ":" + theirs + std::string(1, '\0'),
      ours + ":\xc3\xa4\xf0\x9f\x92\xa9", ours + ":" + std::string(500, 'x')};
  // They lead nowhere. The table is hashed: how many sessions there are does not matter.
  const std::vector<std::string> lost = {":",
                                         ":" + theirs,
                                         ours,
                                         ours + theirs,
                                         std::string(1, '\0') + ours + ":" + theirs,
                                         ours + std::string(1, '\0') + ":" + theirs,
                                         "\xff\xfe:" + theirs};
  // They are longer than a name may be.
  const std::vector<std::vector<uint8_t>> too_long = {
      named(std::string(516, 'x')), named(ours + ":" + std::string(1000 - ours.size() - 1, 'x'))};
  repeat(20, [&](int) {
    mallory_.send(signed_as(name_of(alice()), bob().server().password), target());
    mallory_.send(signed_as(name_of(bob()), password), target());
    for (const auto& name : refused) mallory_.send(signed_as(name, password), target());
    for (const auto& name : lost) mallory_.send(signed_as(name, password), target());
    for (const auto& request : too_long) mallory_.send(request, target());
  });
  EXPECT_EQ(node_.dropped("stun"), wrong + 20 * (2 + refused.size()));
  EXPECT_EQ(node_.dropped("unknown_sender"), unknown + 20 * (lost.size() + too_long.size()));
  expect_unharmed();
}

TEST_F(AttackOnIce, S5_FingerprintsThatLieAreNotAnswered) {
  const auto good = bob().make_check(true);
  std::vector<std::vector<uint8_t>> lies;
  for (size_t bit = 0; bit < 32; ++bit) {
    lies.push_back(good);
    lies.back()[good.size() - 4 + bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
  }
  auto twice = good;
  append_fingerprint(twice);
  auto followed = good;  // by an attribute that may be ignored where it is allowed
  append(followed, 0x8022, as_bytes("test"));
  auto early = opened(good);  // in front of the integrity
  const std::vector<uint8_t> integrity(early.end() - 24, early.end());
  early.resize(early.size() - 24);
  append_fingerprint(early);
  append(early, 0x0008, Bytes(integrity).subspan(4));
  lies.insert(lies.end(), {twice, followed, early});
  const uint64_t before = node_.dropped("stun") + node_.dropped("unknown_sender");
  for (const auto& lie : lies) mallory_.send(lie, target());
  let_pass();
  EXPECT_EQ(node_.dropped("stun") + node_.dropped("unknown_sender"), before + lies.size());
  EXPECT_EQ(mallory_.received(), 0u);
  expect_unharmed();
}

TEST_F(AttackOnIce, S5_WhatFollowsTheIntegrityNominatesNothing) {
  // Carol's check is authentic and says nothing of a nomination; somebody on the way adds one.
  std::string answer;
  const auto carol = joined("stage", "carol", answer);
  ASSERT_TRUE(carol->peer().accept(answer));
  auto check = opened(carol->peer().make_check(false));
  append(check, kUseCandidate, {});
  append_fingerprint(check);
  ASSERT_TRUE(node_.run_until([&] {
    mallory_.send(check, target());
    return mallory_.received() > 0;
  }));
  EXPECT_LE(mallory_.bytes_received(), mallory_.bytes_sent());
  let_pass();
  mallory_.forget_received();
  // Nominated, it would begin a handshake.
  const auto hello = read_test_data("dtls/firefox-hello-0.bin");
  repeat(8, [&](int) { mallory_.send(hello, target()); });
  EXPECT_EQ(mallory_.received(), 0u);
  expect_unharmed();
}

TEST_F(AttackOnIce, S7_AnUnknownAttributeIsAnsweredWithASigned420AndProvesNoPath) {
  const auto request = ice::make_binding_request({.id = transaction(),
                                                  .username = name_of(bob()),
                                                  .controlling = 7,
                                                  .use_candidate = true,
                                                  .key = bob().server().password,
                                                  .unknown_attributes = {0x7fff}});
  expect_signed_error(request, bob(), 420);
  const std::array<uint8_t, 6> listed{0x00, 0x0a, 0x00, 0x02, 0x7f, 0xff};
  const Bytes answer = mallory_.last_received();
  EXPECT_NE(std::search(answer.begin(), answer.end(), listed.begin(), listed.end()), answer.end());
  expect_no_path();
  expect_unharmed();
}

TEST_F(AttackOnIce, S8_APeerThatWantsToBeControlledGetsASigned487AndNothingElse) {
  const auto request = ice::make_binding_request({.id = transaction(),
                                                  .username = name_of(bob()),
                                                  .controlled = 0xffffffffffffffff,
                                                  .use_candidate = true,
                                                  .key = bob().server().password});
  expect_signed_error(request, bob(), 487);
  expect_no_path();
  expect_unharmed();
}

TEST_F(AttackOnIce, S9_NominationsFromManyAddressesMoveNoMedia) {
  // Mallory has bob's password and twelve addresses, but not the keys of his media.
  std::vector<std::unique_ptr<RawSocket>> crowd;
  for (int i = 0; i < 12; ++i) {
    crowd.push_back(std::make_unique<RawSocket>(node_.loop(), "127.0.0." + std::to_string(10 + i)));
  }
  const uint64_t stray_before = node_.dropped("unknown_sender");
  repeat(600, [&](int i) {
    crowd[static_cast<size_t>(i) % crowd.size()]->send(bob().make_check(true), target());
  });
  uint64_t answers = 0;
  for (const auto& socket : crowd) {
    EXPECT_LE(socket->bytes_received(), socket->bytes_sent());
    answers += socket->received();
  }
  EXPECT_EQ(answers, 600u);  // and no media among them
  // Of the thirteen paths that were proved at some time no more than eight are left.
  const std::array<uint8_t, 30> rtp{0x80, 96};
  for (const auto& socket : crowd) socket->send(rtp, target());
  let_pass();
  EXPECT_GE(node_.dropped("unknown_sender") - stray_before, 5u);
  expect_unharmed();
}

TEST_F(AttackOnIce, S9_AFlappingPeerIsFollowedAtMostTwiceASecond) {
  // Carol is a viewer with two addresses, both hers, who nominates them in turn as fast as she can.
  LiveGuest& carol = node_.watch("stage", "carol");
  ++connections_before_;
  ASSERT_TRUE(node_.run_until([&] { return carol.connected() && carol.video > 0; }));
  RawSocket other(node_.loop(), "127.0.0.3");
  const std::array<uint8_t, 8> report{0x80, 201, 0, 1, 0, 0, 0, 9};
  const TimePoint begin = net::EventLoop::clock_now();
  std::optional<Address> last;
  int64_t moves = 0;
  // Long enough to see her move: reports may come sooner than she may.
  for (int i = 0; i < 15 || (moves == 0 && i < 1000); ++i) {
    for (int flap = 0; flap < 10; ++flap) {
      auto& peer = carol.socket->peer();
      carol.socket->send(peer.make_check(true));
      carol.socket->send(peer.seal_rtcp(report));
      other.send(peer.make_check(true), target());
      other.send(peer.seal_rtcp(report), target());
    }
    const auto now = node_.report_of(carol);
    ASSERT_TRUE(now && now->remote);
    if (last && *last != *now->remote) ++moves;
    last = now->remote;
  }
  const auto passed = net::EventLoop::clock_now() - begin;
  EXPECT_GT(moves, 0) << "a peer may move";
  EXPECT_LE(moves, passed / 500ms + 1);
  expect_unharmed();
}

TEST_F(AttackOnIce, S13_AnswersAreNeverLargerThanWhatTheyAnswer) {
  // Whoever forges a source address must not get more sent there than he sent.
  const auto ask = [&](const ice::BindingRequest& parts, bool is_answered) {
    ice::BindingRequest request = parts;
    const std::string name = request.username.empty() ? name_of(bob()) : "nobody:here";
    request.id = transaction();
    request.username = name;
    request.key = bob().server().password;
    const auto bytes = ice::make_binding_request(request);
    mallory_.forget_received();
    mallory_.send(bytes, target());
    if (is_answered) {
      ASSERT_TRUE(node_.run_until([&] { return mallory_.received() > 0; }));
      EXPECT_LE(mallory_.last_received().size(), bytes.size());
    } else {
      let_pass();
      EXPECT_EQ(mallory_.received(), 0u);
    }
  };
  ask({}, true);
  ask({.use_candidate = true}, true);
  ask({.controlling = 1}, true);
  ask({.controlled = 1}, true);
  std::vector<uint16_t> many(200);
  std::iota(many.begin(), many.end(), uint16_t{0x7000});
  ask({.controlling = 1, .unknown_attributes = many}, true);
  ask({.username = "nobody"}, false);
  ask({.username = "nobody", .unknown_attributes = many}, false);
  mallory_.forget_received();
  expect_unharmed();
}

TEST_F(AttackOnIce, S19_CandidatesOfAnOfferAreNeverADestination) {
  RawSocket victim(node_.loop(), "127.0.0.7");
  std::string lines;
  for (const std::string& address :
       {victim.local().ip_text(), std::string("0.0.0.0"), std::string("224.0.0.1"),
        std::string("255.255.255.255"), std::string("169.254.1.1"), std::string("::1"),
        std::string("::ffff:127.0.0.1"), std::string("fe80::1"), target().ip_text()}) {
    for (const uint16_t port : {victim.local().port, uint16_t{0}, target().port}) {
      lines += "a=candidate:1 1 udp 2122260223 " + address + " " + std::to_string(port) +
               " typ host\r\n";
    }
  }
  for (const bool publishes : {true, false}) {
    const std::string room = publishes ? "elsewhere" : "stage";
    peer::PeerSocket carol(node_.loop(), {.publishes = publishes}, node_.identity(), {});
    const auto join = node_.join({.role = publishes ? node::Role::kPublisher : node::Role::kWatcher,
                                  .room = room,
                                  .participant = "carol",
                                  .offer = carol.peer().offer() + lines});
    ASSERT_TRUE(join);
    ASSERT_TRUE(carol.start(join->answer));
    ASSERT_TRUE(node_.run_until([&] { return carol.peer().connected(); }));
    let_pass();
    node_.node().leave(room, join->session);
    ASSERT_TRUE(node_.run_until([&] { return count_connections() == connections_before_; }));
  }
  EXPECT_EQ(victim.received(), 0u);
  expect_unharmed();
}

TEST_F(AttackOnIce, S20_ThousandsOfCandidatesAndNamesAreNotLookedUp) {
  const int before = look_ups;
  const auto join_with = [&](int count, const std::string& host) {
    peer::PeerSocket carol(node_.loop(), {}, node_.identity(), {});
    std::string offer = carol.peer().offer();
    for (int i = 0; i < count; ++i) {
      offer += "a=candidate:" + std::to_string(i) + " 1 udp 1 " + host + " 9 typ host\r\n";
    }
    return node_.join({.role = node::Role::kWatcher,
                       .room = "stage",
                       .participant = "carol",
                       .offer = std::move(offer)});
  };
  for (const std::string host : {"x.local", "attacker.example", "203.0.113.1"}) {
    const auto too_many = join_with(10'000, host);
    ASSERT_FALSE(too_many);
    EXPECT_EQ(too_many.error().kind, node::JoinError::Kind::kInvalidSdp);
    const auto many = join_with(1'000, host);
    ASSERT_TRUE(many);
    node_.node().leave("stage", many->session);
  }
  ASSERT_TRUE(node_.run_until([&] { return count_connections() == connections_before_; }));
  expect_unharmed();
  EXPECT_EQ(look_ups, before);
}

class AttackBySilence : public AttackOnIce {
 protected:
  AttackBySilence() : AttackOnIce(8s) {}
};

TEST_F(AttackBySilence, S16_MediaToAPeerThatFellSilentEndsAndItsCredentialsWithIt) {
  // On an address that nobody else uses: her port is free for a moment.
  node_.set_guest_address(Address::v4({127, 0, 16, 16}, 0));
  LiveGuest& carol = node_.watch("stage", "carol");
  node_.set_guest_address(Address::v4({127, 0, 0, 1}, 0));
  ASSERT_TRUE(node_.run_until([&] { return carol.connected() && carol.video > 0; }));
  const auto check = carol.socket->peer().make_check(true);
  const Address address = carol.socket->local();
  carol.socket.reset();
  // Nobody speaks for her any more; what comes is only counted.
  RawSocket silent(node_.loop(), address.ip_text(), address.port);
  ASSERT_TRUE(node_.run_until([&] { return silent.received() > 0; }));
  ASSERT_TRUE(node_.run_until([&] { return !node_.node().participant("stage", "carol"); }));
  let_pass();
  silent.forget_received();
  for (int i = 0; i < 10; ++i) let_pass();
  EXPECT_EQ(silent.received(), 0u);
  // The old credentials are good for nothing on this address.
  const uint64_t before = node_.dropped("unknown_sender");
  for (int i = 0; i < 20; ++i) silent.send(check, target());
  let_pass();
  EXPECT_EQ(node_.dropped("unknown_sender"), before + 20);
  EXPECT_EQ(silent.received(), 0u);
  expect_unharmed();
}

}  // namespace
}  // namespace simpul::testing
