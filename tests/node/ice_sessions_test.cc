#include "node/ice_sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>

namespace simpul::node {
namespace {

using namespace std::chrono_literals;
using Kind = IcePatchError::Kind;

constexpr const char* kAnswer =
    "v=0\r\na=ice-lite\r\na=group:BUNDLE 0 1\r\nm=audio 9 X 0\r\na=mid:0\r\n"
    "a=candidate:1 1 udp 1 192.0.2.1 7700 typ host\r\na=end-of-candidates\r\n";

class IceSessionsTest : public ::testing::Test {
 protected:
  // Makes "one", "two", "three" ... each once, except that "one" comes twice.
  ice::Credentials generate() {
    static constexpr std::array<const char*, 4> kFragments = {"one", "one", "two", "three"};
    const size_t index = generated_++;
    return {index < kFragments.size() ? kFragments[index] : "more" + std::to_string(index),
            "ourPasswordOf24Characters"};
  }
  std::string add(uint64_t key, const std::string& remote = "them") {
    PreparedJoin join;
    join.session.key = ConnectionKey(key);
    join.session.connection.ice.local = sessions_.make_credentials(1);
    join.session.connection.ice.remote_username_fragment = remote;
    join.answer = kAnswer;
    join.mids = {"0", "1"};
    fragments_.push_back(join.session.connection.ice.local.username_fragment);
    return sessions_.add(join, 1);
  }
  Expected<IcePatched, IcePatchError> patch(const std::string& text, uint64_t key = 1) {
    told_.reset();
    return sessions_.patch(ConnectionKey(key), text, now_, [this](const IceRestart& restart) {
      told_ = restart;
      return !full_;
    });
  }
  Expected<IcePatched, IcePatchError> patch_from(const std::string& remote, uint64_t key = 1) {
    return patch("a=ice-ufrag:" + remote + "\r\na=ice-pwd:theirPasswordOf24Characters\r\n", key);
  }
  Kind refusal(const std::string& text) {
    const auto patched = patch(text);
    EXPECT_FALSE(patched) << text;
    EXPECT_FALSE(told_);
    return patched ? Kind::kFull : patched.error().kind;
  }
  std::string name(uint64_t key = 1) const {
    return sessions_.name_of(ConnectionKey(key)).value_or("");
  }

  size_t generated_ = 0;
  IceSessions sessions_{[this] { return generate(); }};
  std::vector<std::string> fragments_;
  std::optional<IceRestart> told_;
  bool full_ = false;
  TimePoint now_{1h};
};

TEST_F(IceSessionsTest, GivesTheSecondOfTwoWithTheSameFragmentAnotherOne) {
  add(1);
  add(2);
  EXPECT_THAT(fragments_, ::testing::ElementsAre("oneAB", "twoAB"));
}

TEST_F(IceSessionsTest, FreesTheFragmentsOfAConnectionThatEnded) {
  add(1);
  sessions_.remove(ConnectionKey(1));
  add(2);
  EXPECT_THAT(fragments_, ::testing::ElementsAre("oneAB", "oneAB"));
  EXPECT_EQ(sessions_.name_of(ConnectionKey(1)), std::nullopt);
}

TEST_F(IceSessionsTest, NamesEveryIceSessionAnew) {
  const std::string first = add(1);
  EXPECT_EQ(name(), first);
  EXPECT_NE(add(2), first);
  const auto patched = patch_from("again");
  ASSERT_TRUE(patched && patched->restarted);
  EXPECT_NE(patched->restarted->ice_session, first);
  EXPECT_EQ(name(), patched->restarted->ice_session);
}

TEST_F(IceSessionsTest, TakesAPatchWithTheSameFragmentForCandidates) {
  const std::string first = add(1);
  const auto patched = patch_from("them");
  ASSERT_TRUE(patched);
  EXPECT_FALSE(patched->restarted);
  EXPECT_FALSE(told_);
  EXPECT_EQ(name(), first);
}

TEST_F(IceSessionsTest, TakesAPatchWithAnotherFragmentForARestart) {
  add(1);
  const auto patched = patch_from("again");
  ASSERT_TRUE(patched && patched->restarted);
  ASSERT_TRUE(told_);
  EXPECT_EQ(told_->key, ConnectionKey(1));
  EXPECT_EQ(told_->local.username_fragment, "twoAB") << "the generator said \"one\" again";
  EXPECT_EQ(told_->remote_username_fragment, "again");
  EXPECT_EQ(patched->restarted->fragment,
            "a=ice-lite\r\na=group:BUNDLE 0 1\r\nm=audio 9 X 0\r\na=mid:0\r\na=ice-ufrag:twoAB\r\n"
            "a=ice-pwd:ourPasswordOf24Characters\r\n"
            "a=candidate:1 1 udp 1 192.0.2.1 7700 typ host\r\na=end-of-candidates\r\n");
  EXPECT_TRUE(patch_from("them")->restarted) << "what is over does not count any more";
}

TEST_F(IceSessionsTest, GivesTheSameAnswerToTheSameRestartThoughItDoesNothingAgain) {
  add(1);
  const auto first = patch_from("again");
  ASSERT_TRUE(first && first->restarted);
  for (size_t i = 0; i < 2 * IceSessions::kRestartsMax; ++i) {  // its answer was lost each time
    const auto again = patch_from("again");
    ASSERT_TRUE(again && again->restarted);
    EXPECT_EQ(again->restarted->ice_session, first->restarted->ice_session);
    EXPECT_EQ(again->restarted->fragment, first->restarted->fragment);
    EXPECT_FALSE(told_) << "the worker knows";
  }
  EXPECT_EQ(name(), first->restarted->ice_session);
}

TEST_F(IceSessionsTest, TakesAnotherPatchWithTheFragmentOfARestartForCandidates) {
  add(1);
  ASSERT_TRUE(patch_from("again")->restarted);
  const auto trickled = patch(
      "a=ice-ufrag:again\r\na=ice-pwd:theirPasswordOf24Characters\r\nm=audio 9 X 0\r\n"
      "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.7 5000 typ host\r\n");
  ASSERT_TRUE(trickled);
  EXPECT_FALSE(trickled->restarted);
  EXPECT_TRUE(patch_from("again")->restarted) << "which takes nothing from the restart's answer";
}

TEST_F(IceSessionsTest, DoesNotRepeatTheAnswerToARestartBeforeTheLast) {
  add(1);
  const auto first = patch_from("again");
  ASSERT_TRUE(patch_from("later")->restarted);
  const auto repeated = patch_from("again");
  ASSERT_TRUE(repeated && repeated->restarted);
  EXPECT_NE(repeated->restarted->fragment, first->restarted->fragment);
  EXPECT_TRUE(told_);
}

TEST_F(IceSessionsTest, IgnoresSectionsOfUnknownMids) {
  add(1);
  const auto patched = patch(
      "m=audio 9 X 0\r\na=mid:7\r\na=ice-ufrag:again\r\na=ice-pwd:theirPasswordOf24Characters\r\n");
  ASSERT_TRUE(patched);
  EXPECT_FALSE(patched->restarted);
}

TEST_F(IceSessionsTest, KeepsTheIceSessionWhenAPatchCannotBeTaken) {
  const std::string first = add(1);
  EXPECT_EQ(refusal("nonsense"), Kind::kInvalid);
  EXPECT_EQ(refusal("a=end-of-candidates\r\n"), Kind::kInvalid);
  EXPECT_EQ(refusal("a=ice-ufrag:again\r\n"), Kind::kInvalid);
  EXPECT_EQ(refusal(std::string(100'000, 'a')), Kind::kTooLarge);
  full_ = true;
  EXPECT_EQ(patch_from("again").error().kind, Kind::kFull);
  EXPECT_EQ(name(), first);
  full_ = false;
  EXPECT_TRUE(patch_from("again")->restarted);
}

TEST_F(IceSessionsTest, KnowsNoOtherConnection) {
  add(1);
  EXPECT_EQ(patch_from("again", 2).error().kind, Kind::kNoSession);
}

TEST_F(IceSessionsTest, RestartsAtMostFiveTimesInTenSeconds) {
  add(1);
  size_t restarts = 0;
  for (int i = 0; i < 1'000; ++i) {  // a hundred a second
    now_ += 10ms;
    const std::string before = name();
    const auto patched = patch_from("round" + std::to_string(i));
    if (patched) {
      ++restarts;
      continue;
    }
    EXPECT_EQ(patched.error().kind, Kind::kTooOften);
    EXPECT_EQ(name(), before);
  }
  EXPECT_EQ(restarts, IceSessions::kRestartsMax);
  now_ += 10s;
  EXPECT_TRUE(patch_from("later"));
}

TEST_F(IceSessionsTest, LimitsNobodyForTheRestartsOfAnother) {
  add(1);
  add(2);
  for (int i = 0; i < 10; ++i) patch_from("round" + std::to_string(i), 1);
  EXPECT_TRUE(patch_from("other", 2));
}

}  // namespace
}  // namespace simpul::node
