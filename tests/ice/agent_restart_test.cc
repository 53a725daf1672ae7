#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ice/agent.h"

namespace simpul::ice {
namespace {

using namespace std::chrono_literals;

const Credentials kOld = {"oldlocal", "old-password-of-24-chars"};
const Credentials kNew = {"newlocal", "new-password-of-24-chars"};

Path path_of(uint8_t host) {
  return {.socket = 0, .remote = Address::v4({198, 51, 100, host}, 5000)};
}

class IceRestart : public ::testing::Test {
 protected:
  // Whether the check was answered.
  bool check(const Credentials& credentials, const Path& path, bool nominates = false,
             std::string_view remote = "remote") {
    const std::string username = credentials.username_fragment + ":" + std::string(remote);
    out_ = {};
    agent_.receive(make_binding_request({.username = username,
                                         .controlling = 42,
                                         .use_candidate = nominates,
                                         .key = credentials.password}),
                   path, now_, out_);
    return !out_.datagrams.empty();
  }
  bool check_new(const Path& path, bool nominates = false) {
    return check(kNew, path, nominates, "again");
  }
  void media(const Path& path) {
    out_ = {};
    agent_.on_authenticated_media(path, now_, out_);
  }
  void restart() { agent_.restart(kNew, "again"); }
  void expect_first_nomination_alone_counts() {
    check_new(path_of(1), true);
    EXPECT_EQ(agent_.selected(), path_of(1));
    now_ += 1s;
    check_new(path_of(2), true);
    EXPECT_EQ(agent_.selected(), path_of(1));
  }

  TimePoint now_{};
  Agent agent_{{.local = kOld, .remote_username_fragment = "remote"}, TimePoint{}};
  Agent::Output out_;
};

TEST_F(IceRestart, TakesBothUntilTheFirstNewCheckAndThenOnlyTheNew) {
  ASSERT_TRUE(check(kOld, path_of(1), true));
  restart();
  EXPECT_TRUE(check(kOld, path_of(1), true));
  EXPECT_EQ(agent_.local().username_fragment, "oldlocal");
  EXPECT_TRUE(check_new(path_of(2)));
  EXPECT_EQ(agent_.local().username_fragment, "newlocal");
  EXPECT_FALSE(check(kOld, path_of(1), true));
  EXPECT_EQ(agent_.dropped(AgentDrop::kWrongUsername), 1u);
  EXPECT_TRUE(check_new(path_of(2)));
}

TEST_F(IceRestart, IsAnsweredWithTheNewPassword) {
  restart();
  ASSERT_TRUE(check_new(path_of(1)));
  const auto answer = StunMessage::parse(out_.datagrams[0].bytes);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->has_integrity(crypto::HmacSha1(as_bytes(kNew.password))));
}

TEST_F(IceRestart, IsNotFinishedByAForgery) {
  ASSERT_TRUE(check(kOld, path_of(1), true));
  restart();
  EXPECT_FALSE(check({"newlocal", "a guess"}, path_of(9), true, "again"));
  EXPECT_FALSE(check({"newlocal", kOld.password}, path_of(9), true, "again"));
  EXPECT_FALSE(check(kNew, path_of(9), true, "remote")) << "halves of two sessions";
  EXPECT_FALSE(check(kOld, path_of(9), true, "again"));
  EXPECT_TRUE(check(kOld, path_of(1), true));
  EXPECT_EQ(agent_.path_count(), 1u);
}

TEST_F(IceRestart, LeavesMediaWhereItIsUntilANewNomination) {
  check(kOld, path_of(1), true);
  restart();
  EXPECT_EQ(agent_.selected(), path_of(1));
  check_new(path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(1));
  EXPECT_TRUE(agent_.is_validated(path_of(1))) << "packets are still on their way";
  media(path_of(1));
  EXPECT_EQ(agent_.selected(), path_of(1));
}

TEST_F(IceRestart, MovesWithTheFirstNewNominationAndNeedsNoFurtherProof) {
  check(kOld, path_of(1), true);
  restart();
  now_ += 10ms;
  check_new(path_of(2), true);
  ASSERT_EQ(out_.events.size(), 2u);
  EXPECT_EQ(std::get<PathSelected>(out_.events[1]).path, path_of(2));
  EXPECT_EQ(agent_.selected(), path_of(2));
}

TEST_F(IceRestart, MovesOnlyOnceForANominationAlone) {
  check(kOld, path_of(1), true);
  restart();
  check_new(path_of(2), true);
  now_ += 1s;
  check_new(path_of(3), true);
  EXPECT_EQ(agent_.selected(), path_of(2));
  media(path_of(3));
  EXPECT_EQ(agent_.selected(), path_of(3));
}

TEST_F(IceRestart, BeforeTheFirstNominationChangesNothingOfLaterMoves) {
  restart();
  expect_first_nomination_alone_counts();
}

TEST_F(IceRestart, OnTheSamePathKeepsItAndMovesLaterOnlyWithProof) {
  check(kOld, path_of(1), true);
  restart();
  expect_first_nomination_alone_counts();
}

TEST_F(IceRestart, DoesNotFollowStragglersBackToTheOldPath) {
  check(kOld, path_of(1), true);
  restart();
  check_new(path_of(2), true);
  for (int i = 0; i < 100; ++i) {
    now_ += 20ms;
    media(path_of(1));
  }
  EXPECT_EQ(agent_.selected(), path_of(2));
}

TEST_F(IceRestart, OfSeveralTheLastCounts) {
  check(kOld, path_of(1), true);
  agent_.restart({"inbetween", "password-of-24-characters"}, "again");
  restart();
  EXPECT_FALSE(check({"inbetween", "password-of-24-characters"}, path_of(1), false, "again"));
  EXPECT_TRUE(check(kOld, path_of(1), true));
  EXPECT_TRUE(check_new(path_of(1)));
}

TEST_F(IceRestart, IsNoSignOfLife) {
  check(kOld, path_of(1), true);
  for (int i = 0; i < 10; ++i) {
    now_ += 3s;
    restart();
  }
  agent_.advance(now_, out_);
  EXPECT_TRUE(agent_.expired());
}

}  // namespace
}  // namespace simpul::ice
