#include "node/untold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace simpul::node {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Takes so many more.
struct FakeWorker {
  bool change_feeds(const FeedChange& change) { return take(change.room); }
  bool supersede(ConnectionKey key, bool superseded) {
    return take(std::to_string(key.value()) + (superseded ? " superseded" : " not superseded"));
  }
  bool follow_layers(ConnectionKey key, bool follows) {
    return take(std::to_string(key.value()) + (follows ? " followed" : " not followed"));
  }
  bool pin(ConnectionKey key, bool pinned) {
    return take(std::to_string(key.value()) + (pinned ? " pinned" : " not pinned"));
  }
  bool take(const std::string& what) {
    if (room == 0) return false;
    --room;
    told.push_back(what);
    return true;
  }

  size_t room = 100;
  std::vector<std::string> told = {};
};

class UntoldTest : public ::testing::Test {
 protected:
  void change(const std::string& room) {
    untold_.change_feeds({.room = room, .home = 0, .borrower = 1, .lend = true});
  }

  Untold untold_;
  FakeWorker worker_;
};

TEST_F(UntoldTest, TellsEachThingOnceAndChangesOfFeedsInTheirOrder) {
  change("b");
  change("a");
  untold_.supersede(ConnectionKey(5), true);
  untold_.tell(worker_);
  EXPECT_THAT(worker_.told, ElementsAre("b", "a", "5 superseded"));
  untold_.tell(worker_);
  EXPECT_EQ(worker_.told.size(), 3u);
  EXPECT_EQ(untold_.size(), 0u);
}

TEST_F(UntoldTest, LosesNothingToAWorkerThatTakesNoMore) {
  worker_.room = 1;
  change("b");
  change("a");
  untold_.supersede(ConnectionKey(5), true);
  untold_.supersede(ConnectionKey(6), true);
  untold_.tell(worker_);
  EXPECT_THAT(worker_.told, ElementsAre("b"));
  worker_.room = 2;
  untold_.tell(worker_);
  EXPECT_THAT(worker_.told, ElementsAre("b", "a", "5 superseded"));
  worker_.room = 9;
  untold_.tell(worker_);
  EXPECT_THAT(worker_.told, ElementsAre("b", "a", "5 superseded", "6 superseded"));
}

TEST_F(UntoldTest, KeepsTheLastWordOnAConnectionAlone) {
  worker_.room = 0;
  for (int i = 0; i < 1'001; ++i) {
    untold_.supersede(ConnectionKey(5), i % 2 == 1);
    untold_.tell(worker_);
  }
  EXPECT_EQ(untold_.size(), 1u);
  worker_.room = 9;
  untold_.tell(worker_);
  EXPECT_THAT(worker_.told, ElementsAre("5 not superseded"));
}

TEST_F(UntoldTest, TellsWhetherAConnectionIsFollowedByTheLastWordToo) {
  worker_.room = 0;
  for (const bool follows : {true, false, true}) untold_.follow(ConnectionKey(5), follows);
  untold_.supersede(ConnectionKey(5), true);
  untold_.tell(worker_);
  EXPECT_EQ(untold_.size(), 2u);
  worker_.room = 9;
  untold_.tell(worker_);
  EXPECT_THAT(worker_.told, ElementsAre("5 superseded", "5 followed"));
}

TEST_F(UntoldTest, TellsWhetherAConnectionIsPinnedByTheLastWordToo) {
  worker_.room = 0;
  for (const bool pinned : {true, false}) untold_.pin(ConnectionKey(5), pinned);
  untold_.tell(worker_);
  EXPECT_EQ(untold_.size(), 1u);
  worker_.room = 9;
  untold_.tell(worker_);
  EXPECT_THAT(worker_.told, ElementsAre("5 not pinned"));
}

TEST_F(UntoldTest, ForgetsAConnectionThatIsNoMore) {
  untold_.supersede(ConnectionKey(5), true);
  untold_.follow(ConnectionKey(5), true);
  untold_.forget(ConnectionKey(5));
  untold_.tell(worker_);
  EXPECT_THAT(worker_.told, IsEmpty());
}

}  // namespace
}  // namespace simpul::node
