#include "ice/agent.h"

#include <algorithm>
#include <set>

namespace simpul::ice {
namespace {

using namespace std::chrono_literals;

const Credentials kLocal = {"localufr", "local-password-of-24-chars"};
const crypto::HmacSha1 kKey(as_bytes(kLocal.password));

Path path_of(uint8_t host, uint16_t port = 5000) {
  return {.socket = 0, .remote = Address::v4({198, 51, 100, host}, port)};
}

class IceAgent : public ::testing::Test {
 protected:
  BindingRequest check(bool nominates = false) const {
    return {.id = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
            .username = "localufr:remote",
            .controlling = 42,
            .use_candidate = nominates,
            .key = kLocal.password};
  }
  void receive(const BindingRequest& request, const Path& path) {
    receive_bytes(make_binding_request(request), path);
  }
  void receive_bytes(Bytes bytes, const Path& path) {
    out_ = {};
    agent_.receive(bytes, path, now_, out_);
  }
  void nominate(const Path& path) { receive(check(true), path); }
  void media(const Path& path) {
    out_ = {};
    agent_.on_authenticated_media(path, now_, out_);
  }
  // Nothing answered, nothing told, no path learnt, and counted for this reason.
  void expect_ignored(AgentDrop drop, uint64_t count = 1) {
    EXPECT_TRUE(out_.datagrams.empty());
    EXPECT_TRUE(out_.events.empty());
    EXPECT_EQ(agent_.path_count(), 0u);
    EXPECT_EQ(agent_.next_deadline(), TimePoint{} + 30s);
    EXPECT_EQ(agent_.dropped(drop), count) << to_string(drop);
  }
  void expect_error(uint16_t code) {
    ASSERT_EQ(out_.datagrams.size(), 1u);
    const auto answer = StunMessage::parse(out_.datagrams[0].bytes);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->message_class(), StunClass::kError);
    EXPECT_EQ(answer->error_code(), code);
    EXPECT_TRUE(answer->has_integrity(kKey));
    EXPECT_EQ(agent_.path_count(), 0u);
  }

  TimePoint now_{};
  Agent agent_{{.local = kLocal, .remote_username_fragment = "remote"}, TimePoint{}};
  Agent::Output out_;
};

TEST_F(IceAgent, AnswersARightCheckToWhereItCameFrom) {
  const Path path = {.socket = 3, .remote = Address::v4({198, 51, 100, 7}, 5000)};
  receive(check(), path);
  ASSERT_EQ(out_.datagrams.size(), 1u);
  EXPECT_EQ(out_.datagrams[0].path, path);
  const auto answer = StunMessage::parse(out_.datagrams[0].bytes);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->message_class(), StunClass::kSuccess);
  EXPECT_EQ(answer->mapped_address(), path.remote);
  EXPECT_TRUE(std::ranges::equal(answer->transaction_id(), check().id));
  EXPECT_TRUE(answer->has_integrity(kKey));
}

TEST_F(IceAgent, ValidatesAPathOnceAndSelectsNothingWithoutNomination) {
  receive(check(), path_of(1));
  ASSERT_EQ(out_.events.size(), 1u);
  EXPECT_EQ(std::get<PathValidated>(out_.events[0]).path, path_of(1));
  EXPECT_TRUE(agent_.is_validated(path_of(1)));
  EXPECT_FALSE(agent_.is_validated(path_of(1, 5001)));
  EXPECT_FALSE(agent_.selected().has_value());
  receive(check(), path_of(1));
  EXPECT_TRUE(out_.events.empty());
  EXPECT_EQ(out_.datagrams.size(), 1u);
}

TEST_F(IceAgent, SelectsTheFirstNominatedPathAtOnce) {
  nominate(path_of(1));
  ASSERT_EQ(out_.events.size(), 2u);
  EXPECT_EQ(std::get<PathSelected>(out_.events[1]).path, path_of(1));
  EXPECT_EQ(agent_.selected(), path_of(1));
}

TEST_F(IceAgent, IgnoresAFlippedBitAnywhere) {
  const auto good = make_binding_request(check(true));
  for (size_t i = 0; i < good.size() - 8; ++i) {  // up to the end of what is signed
    auto bytes = good;
    bytes[i] ^= 0x04;
    receive_bytes(bytes, path_of(1));
    EXPECT_TRUE(out_.datagrams.empty()) << i;
    EXPECT_TRUE(out_.events.empty()) << i;
  }
  EXPECT_EQ(agent_.path_count(), 0u);
  EXPECT_EQ(agent_.next_deadline(), TimePoint{} + 30s);
  nominate(path_of(1));
  EXPECT_EQ(agent_.selected(), path_of(1));
}

TEST_F(IceAgent, IgnoresChecksWithoutIntegrityOrWithAnotherPassword) {
  auto request = check(true);
  request.key = {};
  receive(request, path_of(1));
  expect_ignored(AgentDrop::kWrongIntegrity);
  request.key = "the password of another one";
  receive(request, path_of(1));
  expect_ignored(AgentDrop::kWrongIntegrity, 2);
}

TEST_F(IceAgent, IgnoresEveryOtherUsername) {
  uint64_t count = 0;
  for (const auto* name : {"", "localufr", "localufr:", ":remote", "localufr:other", "other:remote",
                           "localufr:remote:", "localufr:remotee", "LOCALUFR:remote"}) {
    auto request = check(true);
    request.username = name;
    receive(request, path_of(1));
    expect_ignored(AgentDrop::kWrongUsername, ++count);
  }
}

TEST_F(IceAgent, IgnoresWhatIsNoBindingRequest) {
  uint64_t count = 0;
  for (const auto& [high, low] :
       {std::pair{0x00, 0x11}, {0x01, 0x01}, {0x01, 0x11}, {0x00, 0x03}}) {
    auto bytes = make_binding_request(check(true));
    bytes[0] = static_cast<uint8_t>(high);
    bytes[1] = static_cast<uint8_t>(low);
    receive_bytes(bytes, path_of(1));
    expect_ignored(AgentDrop::kNotARequest, ++count);
  }
}

TEST_F(IceAgent, IgnoresWhatHasNoCookieOrIsNoStunAtAll) {
  auto bytes = make_binding_request(check(true));
  bytes[4] = 0;
  receive_bytes(bytes, path_of(1));
  expect_ignored(AgentDrop::kMalformed, 1);
  receive_bytes({}, path_of(1));
  expect_ignored(AgentDrop::kMalformed, 2);
}

TEST_F(IceAgent, NeverSendsToAddressesThatNameNoHost) {
  uint64_t count = 0;
  for (const auto& address :
       {Address::v4({0, 0, 0, 0}, 5000), Address::v4({0, 1, 2, 3}, 5000),
        Address::v4({224, 0, 0, 1}, 5000), Address::v4({255, 255, 255, 255}, 5000),
        Address::v4({198, 51, 100, 1}, 0), *Address::parse("::", 5000),
        *Address::parse("fe80::1", 5000), *Address::parse("febf::1", 5000),
        *Address::parse("ff02::1", 5000), *Address::parse("2001:db8::1", 0)}) {
    receive(check(true), {.socket = 0, .remote = address});
    expect_ignored(AgentDrop::kBadSource, ++count);
  }
}

TEST_F(IceAgent, NeverSendsToItself) {
  constexpr std::array<uint8_t, 4> own_ip{192, 0, 2, 1};
  const Address own = Address::v4(own_ip, 7700);
  Agent agent({.local = kLocal,
               .remote_username_fragment = "remote",
               .own_addresses = {*Address::parse("2001:db8::1", 7700), own}},
              now_);
  agent.receive(make_binding_request(check(true)), {.socket = 0, .remote = own}, now_, out_);
  EXPECT_TRUE(out_.datagrams.empty() && out_.events.empty());
  EXPECT_EQ(agent.dropped(AgentDrop::kBadSource), 1u);
  // Another program of the same host is somebody else.
  const Path neighbour{.socket = 0, .remote = Address::v4(own_ip, 7701)};
  agent.receive(make_binding_request(check(true)), neighbour, now_, out_);
  EXPECT_EQ(out_.datagrams.size(), 1u);
}

TEST_F(IceAgent, AnswersUnknownAttributesWithASigned420) {
  auto request = check(true);
  request.unknown_attributes = {0x7ffe, 0x7ffd};
  receive(request, path_of(1));
  expect_error(420);
}

TEST_F(IceAgent, AnswersAControlledPeerWithASigned487) {
  auto request = check(true);
  request.controlling.reset();
  request.controlled = 42;
  receive(request, path_of(1));
  expect_error(487);
}

TEST_F(IceAgent, NeverAnswersWithMoreThanItWasSent) {
  auto request = check(true);
  request.controlling.reset();
  const Path v6 = {.socket = 0, .remote = *Address::parse("2001:db8::1", 5000)};
  receive(request, v6);  // 80 bytes are enough for 76
  ASSERT_EQ(out_.datagrams.size(), 1u);
  EXPECT_LE(out_.datagrams[0].bytes.size(), make_binding_request(request).size());

  // Without FINGERPRINT and PRIORITY a request is smaller than the answer to IPv6.
  Agent other({.local = {"a", kLocal.password}, .remote_username_fragment = "b"}, now_);
  std::vector<uint8_t> small = make_binding_request({.username = "a:b", .key = kLocal.password});
  ASSERT_LT(small.size(), 76u);
  Agent::Output out;
  other.receive(small, v6, now_, out);
  EXPECT_TRUE(out.datagrams.empty());
  EXPECT_EQ(other.path_count(), 0u);
  EXPECT_EQ(other.dropped(AgentDrop::kAnswerTooLarge), 1u);
}

TEST_F(IceAgent, KeepsAtMostEightPathsAndForgetsTheOneSilentLongest) {
  nominate(path_of(1));
  for (uint8_t host = 2; host <= 9; ++host) {
    now_ += 1s;
    receive(check(), path_of(host));
    if (host == 8) receive(check(), path_of(2));  // heard again, so 3 is the oldest
  }
  EXPECT_EQ(agent_.path_count(), 8u);
  EXPECT_TRUE(agent_.is_validated(path_of(1)));  // selected: never forgotten
  EXPECT_TRUE(agent_.is_validated(path_of(2)));
  EXPECT_FALSE(agent_.is_validated(path_of(3)));
  EXPECT_TRUE(agent_.is_validated(path_of(9)));
}

TEST_F(IceAgent, StaysBoundedUnderChecksFromEverywhere) {
  nominate(path_of(1));
  for (int i = 0; i < 10'000; ++i) {
    receive(check(true), path_of(static_cast<uint8_t>(2 + i % 200), static_cast<uint16_t>(1 + i)));
  }
  EXPECT_EQ(agent_.path_count(), 8u);
  EXPECT_EQ(agent_.selected(), path_of(1));
}

TEST_F(IceAgent, DoesNotMoveMediaForANominationAlone) {
  nominate(path_of(1));
  now_ += 1s;
  nominate(path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(1));
}

TEST_F(IceAgent, MovesWhenAuthenticatedMediaFollowsTheNomination) {
  nominate(path_of(1));
  now_ += 1s;
  nominate(path_of(2));
  media(path_of(2));
  ASSERT_EQ(out_.events.size(), 1u);
  EXPECT_EQ(std::get<PathSelected>(out_.events[0]).path, path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(2));
}

TEST_F(IceAgent, DoesNotMoveForMediaOnAPathThatWasNotNominated) {
  nominate(path_of(1));
  now_ += 1s;
  receive(check(), path_of(2));
  media(path_of(2));
  media(path_of(9));
  EXPECT_EQ(agent_.selected(), path_of(1));
}

TEST_F(IceAgent, MovesByNominationAloneWhenTheOldPathFellSilent) {
  nominate(path_of(1));
  now_ += 2s;
  media(path_of(1));
  now_ += 2s;
  nominate(path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(1));
  now_ += 1s;
  nominate(path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(2));
}

TEST_F(IceAgent, FollowsAuthenticatedMediaFromASilentPathWithoutANomination) {
  nominate(path_of(1));
  now_ += 2s;
  receive(check(), path_of(2));  // a NAT gave the peer another port
  media(path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(1));
  now_ += 1s;
  receive(check(), path_of(2));  // may be a replay
  EXPECT_EQ(agent_.selected(), path_of(1));
  media(path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(2));
  ASSERT_EQ(out_.events.size(), 1u);
  EXPECT_EQ(std::get<PathSelected>(out_.events[0]).path, path_of(2));
}

TEST_F(IceAgent, DoesNotFollowMediaWithoutANominationWhileChecksStillComeByTheOldPath) {
  nominate(path_of(1));
  for (int i = 0; i < 20; ++i) {
    now_ += 1s;
    if (i % 2 == 0) receive(check(), path_of(1));
    receive(check(), path_of(2));
    media(path_of(2));
    EXPECT_EQ(agent_.selected(), path_of(1));
  }
}

TEST_F(IceAgent, DoesNotFollowMediaFromAPathThatWasNeverValidated) {
  nominate(path_of(1));
  now_ += 10s;
  media(path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(1));
  EXPECT_FALSE(agent_.is_validated(path_of(2)));
}

TEST_F(IceAgent, SelectsNothingWithoutAnyNomination) {
  receive(check(), path_of(1));
  now_ += 10s;
  media(path_of(1));
  EXPECT_FALSE(agent_.selected().has_value());
}

TEST_F(IceAgent, PrefersANominatedPathToOneThatItFollowedWithoutANomination) {
  nominate(path_of(1));
  now_ += 3s;
  receive(check(), path_of(2));
  media(path_of(2));
  ASSERT_EQ(agent_.selected(), path_of(2));
  now_ += 1s;
  nominate(path_of(3));
  EXPECT_EQ(agent_.selected(), path_of(2));
  media(path_of(3));
  EXPECT_EQ(agent_.selected(), path_of(3));
}

TEST_F(IceAgent, DoesNotFollowStragglersBackToTheOldPath) {
  nominate(path_of(1));
  now_ += 1s;
  nominate(path_of(2));
  media(path_of(2));
  for (int i = 0; i < 100; ++i) {
    now_ += 20ms;
    media(path_of(1));
    media(path_of(2));
  }
  EXPECT_EQ(agent_.selected(), path_of(2));
}

TEST_F(IceAgent, ChangesTheSelectedPathAtMostTwiceASecond) {
  nominate(path_of(1));
  int changes = 0;
  for (int i = 0; i < 1'000; ++i) {  // ten seconds of alternation, a hundred times a second
    now_ += 10ms;
    const auto before = agent_.selected();
    const Path path = path_of(static_cast<uint8_t>(1 + i % 2));
    nominate(path);
    media(path);
    if (agent_.selected() != before) ++changes;
  }
  EXPECT_GE(changes, 1);
  EXPECT_LE(changes, 20);
}

TEST_F(IceAgent, SelectsTheNextNominatedPathWhenTheSelectedOneIsGone) {
  nominate(path_of(1));
  receive(check(), path_of(2));
  agent_.forget(path_of(1));
  EXPECT_EQ(agent_.selected(), std::nullopt);
  EXPECT_FALSE(agent_.is_validated(path_of(1)));
  media(path_of(2));  // not nominated
  EXPECT_EQ(agent_.selected(), std::nullopt);
  nominate(path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(2));
  EXPECT_EQ(agent_.path_count(), 1u);
}

TEST_F(IceAgent, LivesOnWithoutAnyPathUntilItIsIdle) {
  nominate(path_of(1));
  agent_.forget(path_of(1));
  EXPECT_EQ(agent_.path_count(), 0u);
  EXPECT_EQ(agent_.next_deadline(), now_ + 30s);
  media(path_of(1));
  EXPECT_EQ(agent_.path_count(), 0u);
  nominate(path_of(1));
  EXPECT_EQ(agent_.selected(), path_of(1));
}

TEST_F(IceAgent, KeepsTheSelectedPathWhenAnotherIsGone) {
  nominate(path_of(1));
  nominate(path_of(2));
  agent_.forget(path_of(2));
  agent_.forget(path_of(3));
  EXPECT_EQ(agent_.selected(), path_of(1));
  EXPECT_EQ(agent_.path_count(), 1u);
}

TEST_F(IceAgent, ExpiresOnceAfterThirtySecondsOfSilence) {
  nominate(path_of(1));
  EXPECT_EQ(agent_.next_deadline(), now_ + 30s);
  now_ += 30s - 1us;
  out_ = {};
  agent_.advance(now_, out_);
  EXPECT_TRUE(out_.events.empty());
  now_ += 1us;
  agent_.advance(now_, out_);
  agent_.advance(now_ + 1s, out_);
  ASSERT_EQ(out_.events.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<Expired>(out_.events[0]));
  EXPECT_TRUE(agent_.expired());
  EXPECT_EQ(agent_.next_deadline(), kNever);
}

TEST_F(IceAgent, ExpiresWhenNoCheckEverCame) {
  agent_.advance(now_ + 30s, out_);
  EXPECT_EQ(out_.events.size(), 1u);
}

TEST_F(IceAgent, StaysAliveByChecksAndByMedia) {
  nominate(path_of(1));
  for (int i = 0; i < 10; ++i) {
    now_ += 20s;
    if (i % 2 == 0) {
      receive(check(), path_of(1));
    } else {
      media(path_of(1));
    }
    agent_.advance(now_, out_);
  }
  EXPECT_FALSE(agent_.expired());
}

TEST_F(IceAgent, DoesNotStayAliveByForgeriesOrByMediaFromUnknownPaths) {
  nominate(path_of(1));
  auto forged = check();
  forged.key = "the password of another one";
  for (int i = 0; i < 30; ++i) {
    now_ += 1s;
    receive(forged, path_of(1));
    media(path_of(2));
  }
  agent_.advance(now_, out_);
  EXPECT_TRUE(agent_.expired());
}

TEST_F(IceAgent, IsSilentAfterItExpired) {
  agent_.advance(now_ + 30s, out_);
  nominate(path_of(1));
  EXPECT_TRUE(out_.datagrams.empty());
  EXPECT_TRUE(out_.events.empty());
  EXPECT_EQ(agent_.dropped(AgentDrop::kExpired), 1u);
}

TEST(Credentials, AreLongDifferentAndMadeOfIceCharacters) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const Credentials made = make_credentials();
    EXPECT_EQ(made.username_fragment.size(), kUsernameFragmentSize);
    EXPECT_EQ(made.password.size(), kPasswordSize);
    EXPECT_EQ((made.username_fragment + made.password).find_first_not_of(kAlphabet),
              std::string::npos);
    seen.insert(made.username_fragment);
    seen.insert(made.password);
  }
  EXPECT_EQ(seen.size(), 400u);
}

TEST(IcePath, IsTheSameOnlyForTheSameSocketAndAddresses) {
  const Path a = path_of(1);
  Path b = a;
  b.socket = 1;
  EXPECT_NE(a, b);
  b = a;
  b.local = 1;  // another address of ours: another candidate pair
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace simpul::ice
