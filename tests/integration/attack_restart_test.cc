// Attacks on the restart of ICE, while a call goes on. The letters and numbers are the rows of
// docs/attacks.md.
#include "ice/stun_message.h"
#include "node/ice_sessions.h"
#include "node/worker_tag.h"
#include "tests/integration/attack_test.h"
#include "tests/integration/live_http.h"

namespace simpul::testing {
namespace {

class AttackOnRestart : public AttackTest {
 protected:
  std::string location() const { return "/whep/stage/" + bob_.session; }

  LiveHttp http_{node_};
};

TEST_F(AttackOnRestart, S17_TheOldCredentialsAreWorthNothingAfterARestart) {
  const auto old_check = bob_.socket->peer().make_check(true);
  const auto restarted = http_.patch(location(), "*", bob_.socket->peer().restart_ice());
  ASSERT_EQ(restarted.status, 200);
  ASSERT_TRUE(bob_.socket->restart(restarted.body));
  ASSERT_TRUE(node_.run_until([&] { return bob_.socket->peer().checked(); }));
  let_pass();
  bob_before_ = node_.report_of(bob_);  // he is at his new port
  const uint64_t before = node_.dropped("unknown_sender");
  repeat(100, [&](int) { mallory_.send(old_check, target()); });
  EXPECT_EQ(node_.dropped("unknown_sender"), before + 100);
  expect_unharmed();
}

TEST_F(AttackOnRestart, S17_TheSameCredentialsAgainAreNoRestart) {
  const ice::Credentials& bob = bob_.socket->peer().local();
  const std::string same =
      "a=ice-ufrag:" + bob.username_fragment + "\r\na=ice-pwd:" + bob.password + "\r\n";
  for (int i = 0; i < 20; ++i) EXPECT_EQ(http_.patch(location(), "*", same).status, 204);
  expect_unharmed();
}

TEST_F(AttackOnRestart, S17_ALoopOfRestartsIsStoppedAndTheCallGoesOn) {
  size_t done = 0;
  for (int i = 0; i < 100; ++i) {
    const auto answer = http_.patch(location(), "*", bob_.socket->peer().restart_ice());
    if (answer.status == 200) {
      ++done;
      continue;
    }
    EXPECT_EQ(answer.status, 429);
    EXPECT_NE(answer.header("Retry-After"), "");
  }
  EXPECT_GE(done, node::IceSessions::kRestartsMax);
  EXPECT_LT(done, 100u) << "none was refused";
  expect_unharmed();  // still with the credentials of before
}

TEST_F(AttackOnRestart, S17_NobodyElseGetsInWhileARestartIsPending) {
  const auto restarted = http_.patch(location(), "*", bob_.socket->peer().restart_ice());
  ASSERT_EQ(restarted.status, 200);
  // Mallory knows both names, and no password.
  const auto at = restarted.body.find("a=ice-ufrag:") + 12;
  const std::string fragment = restarted.body.substr(at, restarted.body.find('\r', at) - at);
  const uint64_t before = node_.dropped("stun");
  repeat(100, [&](int) {
    mallory_.send(ice::make_binding_request(
                      {.username = fragment + ":" + bob_.socket->peer().local().username_fragment,
                       .controlling = 7,
                       .use_candidate = true,
                       .key = "a guess of the password"}),
                  target());
  });
  EXPECT_EQ(node_.dropped("stun"), before + 100);
  expect_unharmed();
}

// A node whose generator of fragments gives the first one twice.
TEST(AttackOnFragments, S18_TheSecondOfTwoWithTheSameFragmentGetsAnother) {
  size_t made = 0;
  LiveNode node(LiveNode::test_config(), {.make_credentials = [&made] {
                  const ice::Credentials random = ice::make_credentials();
                  return ++made <= 2 ? ice::Credentials{"samesame", random.password} : random;
                }});
  LiveGuest& alice = node.publish("stage", "alice");
  LiveGuest& bob = node.watch("stage", "bob");
  EXPECT_EQ(made, 3u);
  // The worker's tag follows what was generated.
  EXPECT_EQ(alice.socket->peer().server().username_fragment, node::tag_with_worker("samesame", 0));
  EXPECT_GT(bob.socket->peer().server().username_fragment.size(), ice::kUsernameFragmentSize);
  EXPECT_FALSE(bob.socket->peer().server().username_fragment.starts_with("samesame"));
  EXPECT_GE(bob.socket->peer().server().password.size(), 22u);
  EXPECT_TRUE(node.run_until([&] { return bob.video > 30 && bob.audio > 30; }));
}

}  // namespace
}  // namespace simpul::testing
