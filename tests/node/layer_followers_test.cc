#include "node/layer_followers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace simpul::node {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LayerFollowersTest : public ::testing::Test {
 protected:
  std::optional<uint64_t> add(uint64_t key, const std::string& name) {
    return followers_.add(ConnectionKey(key), [this, name](const WantedLayers* wanted) {
      told_.push_back(name + (wanted == nullptr ? " over" : " " + wanted->lines.at(0).mid));
    });
  }
  void tell(uint64_t key, const std::string& mid) {
    followers_.tell(ConnectionKey(key), {.lines = {{.mid = mid, .layers = {}}}});
  }

  LayerFollowers followers_;
  std::vector<std::string> told_;
};

TEST_F(LayerFollowersTest, AreToldWhatIsOfTheirSession) {
  add(5, "five");
  add(6, "six");
  tell(5, "0");
  tell(7, "1");
  tell(6, "2");
  EXPECT_THAT(told_, ElementsAre("five 0", "six 2"));
}

TEST_F(LayerFollowersTest, TheNewestTakesThePlaceOfWhoWasThere) {
  const auto first = add(5, "first");
  const auto second = add(5, "second");
  tell(5, "0");
  EXPECT_THAT(told_, ElementsAre("first over", "second 0"));
  EXPECT_EQ(followers_.remove(*first), std::nullopt) << "somebody follows it still";
  EXPECT_EQ(followers_.remove(*second), ConnectionKey(5));
  EXPECT_EQ(followers_.remove(*second), std::nullopt);
  EXPECT_EQ(followers_.size(), 0u);
}

TEST_F(LayerFollowersTest, AreToldOnceThatItIsOver) {
  const auto number = add(5, "five");
  followers_.end(ConnectionKey(5));
  followers_.end(ConnectionKey(5));
  tell(5, "0");
  EXPECT_THAT(told_, ElementsAre("five over"));
  EXPECT_EQ(followers_.remove(*number), std::nullopt);
}

TEST_F(LayerFollowersTest, MayLeaveWhileTheyAreTold) {
  std::optional<uint64_t> number;
  number = followers_.add(ConnectionKey(5), [&](const WantedLayers*) {
    followers_.remove(*number);
    told_.emplace_back("left");
  });
  tell(5, "0");
  tell(5, "1");
  EXPECT_THAT(told_, ElementsAre("left"));
}

TEST_F(LayerFollowersTest, AreNoMoreThanTheirLimit) {
  for (uint64_t key = 0; key < LayerFollowers::kMax; ++key) ASSERT_TRUE(add(key, "one"));
  EXPECT_FALSE(add(LayerFollowers::kMax, "one too many"));
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_TRUE(add(0, "another")) << "in place of one that is there";
  followers_.end(ConnectionKey(1));
  EXPECT_TRUE(add(LayerFollowers::kMax, "last"));
  EXPECT_EQ(followers_.size(), LayerFollowers::kMax);
}

}  // namespace
}  // namespace simpul::node
