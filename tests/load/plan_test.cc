#include "bench/load/plan.h"

#include <gtest/gtest.h>

#include <set>

namespace simpul::load {
namespace {

TEST(Plan, HasOneStageWithEverybodyInIt) {
  const Plan plan = make_plan("stage", {.viewers = 500});
  ASSERT_EQ(plan.publishers.size(), 1u);
  EXPECT_EQ(plan.publishers[0].room, "stage");
  ASSERT_EQ(plan.viewers.size(), 500u);
  for (const auto& viewer : plan.viewers) {
    EXPECT_EQ(viewer.room, "stage");
    EXPECT_EQ(viewer.watched, 0u);
  }
  EXPECT_EQ(plan.connections(), 501u);
}

TEST(Plan, SharesViewersOutAmongThePublishersOfTheirRoom) {
  const Plan plan = make_plan("stage", {.rooms = 2, .publishers = 2, .viewers = 3});
  ASSERT_EQ(plan.publishers.size(), 4u);
  EXPECT_EQ(plan.publishers[2].room, "stage-2");
  std::vector<size_t> watched;
  for (const auto& viewer : plan.viewers) {
    EXPECT_EQ(viewer.room, plan.publishers[viewer.watched].room);
    watched.push_back(viewer.watched);
  }
  EXPECT_EQ(watched, (std::vector<size_t>{0, 1, 0, 2, 3, 2}));
}

TEST(Plan, LetsEverybodyAtATableWatchAllOthersAndNobodyThemselves) {
  const Plan plan = make_plan("table", {.rooms = 3, .table = 4});
  EXPECT_EQ(plan.publishers.size(), 12u);
  EXPECT_EQ(plan.viewers.size(), 36u);
  std::vector<int> watchers(plan.publishers.size());
  for (const auto& viewer : plan.viewers) {
    EXPECT_EQ(viewer.room, plan.publishers[viewer.watched].room);
    ++watchers[viewer.watched];
  }
  EXPECT_EQ(watchers, std::vector<int>(12, 3));
}

TEST(Plan, GivesPublishersOfARoomNamesOfTheirOwn) {
  const Plan plan = make_plan("pair", {.rooms = 2, .table = 2});
  std::set<std::string> names;
  for (const auto& publisher : plan.publishers) names.insert(publisher.room + publisher.name);
  EXPECT_EQ(names.size(), 4u);
}

}  // namespace
}  // namespace simpul::load
