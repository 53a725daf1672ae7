#include "node/session_streams.h"

#include <gtest/gtest.h>

#include <set>

namespace simpul::node {
namespace {

class SessionStreamsTest : public ::testing::Test {
 protected:
  std::optional<uint32_t> in_the_way(const std::string& fragment, size_t max) {
    looked_at_.clear();
    return streams_.in_the_way(fragment, max, [this](uint32_t stream) {
      looked_at_.insert(stream);
      return proved_.contains(stream);
    });
  }

  SessionStreams streams_;
  std::set<uint32_t> proved_;
  std::set<uint32_t> looked_at_;
};

TEST_F(SessionStreamsTest, LeaveEverybodyWhileThereIsRoom) {
  EXPECT_EQ(in_the_way("alice", 2), std::nullopt);
  streams_.add("alice", 1);
  EXPECT_EQ(in_the_way("alice", 2), std::nullopt);
}

TEST_F(SessionStreamsTest, GiveUpTheOldestThatHasProvedNothing) {
  for (const uint32_t stream : {7u, 3u, 9u, 8u}) streams_.add("alice", stream);
  proved_ = {7, 9};
  EXPECT_EQ(in_the_way("alice", 2), 3u);
  EXPECT_EQ(in_the_way("alice", 3), std::nullopt) << "who has proved it does not count";
  streams_.remove("alice", 3);
  EXPECT_EQ(in_the_way("alice", 1), 8u);
}

TEST_F(SessionStreamsTest, CountWhoHasLostHisPathAmongThoseWhoProvedNothing) {
  streams_.add("alice", 1);
  streams_.add("alice", 2);
  proved_ = {1, 2};
  EXPECT_EQ(in_the_way("alice", 1), std::nullopt);
  proved_ = {2};
  EXPECT_EQ(in_the_way("alice", 1), 1u);
}

TEST_F(SessionStreamsTest, LookAtNoOtherSessionsStreams) {
  for (uint32_t stream = 0; stream < 4'000; ++stream) {
    streams_.add("session" + std::to_string(stream / 4), stream);
  }
  EXPECT_EQ(in_the_way("session500", 4), 2'000u);
  EXPECT_EQ(looked_at_, (std::set<uint32_t>{2'000, 2'001, 2'002, 2'003}));
}

TEST_F(SessionStreamsTest, ForgetASessionWithItsLastStream) {
  streams_.add("alice", 1);
  streams_.add("bob", 2);
  streams_.remove("alice", 1);
  EXPECT_EQ(streams_.sessions(), 1u);
  streams_.remove("alice", 1);
  streams_.remove("bob", 1);
  EXPECT_EQ(streams_.sessions(), 1u);
}

}  // namespace
}  // namespace simpul::node
