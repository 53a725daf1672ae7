#include "node/placement.h"

#include <gtest/gtest.h>

#include <array>

namespace simpul::node {
namespace {

TEST(Placement, GivesANewRoomTheWorkerWithTheFewest) {
  EXPECT_EQ(place({}, std::array<size_t, 3>{4, 2, 3}, 100), 1u);
  EXPECT_EQ(place({}, std::array<size_t, 3>{4, 4, 4}, 100), 0u);
  EXPECT_EQ(place({}, std::array<size_t, 1>{1'000}, 100), 0u);
}

TEST(Placement, KeepsARoomTogetherWhileItsFirstWorkerHasRoom) {
  EXPECT_EQ(place(1, std::array<size_t, 2>{0, 99}, 100), 1u);
  EXPECT_EQ(place(1, std::array<size_t, 2>{0, 100}, 100), 0u);
}

TEST(Placement, SpreadsALargeRoomEvenly) {
  std::array<size_t, 4> connections{};
  for (int i = 0; i < 1'000; ++i) ++connections[place(2, connections, 100)];
  EXPECT_EQ(connections, (std::array<size_t, 4>{250, 250, 250, 250}));
}

TEST(Placement, ReturnsToTheFirstWorkerWhenOthersLeftIt) {
  EXPECT_EQ(place(0, std::array<size_t, 2>{99, 5}, 100), 0u);
}

TEST(Placement, ServesFromTheLeastLoadedWhenAllAreFull) {
  EXPECT_EQ(place(0, std::array<size_t, 3>{300, 200, 250}, 100), 1u);
}

}  // namespace
}  // namespace simpul::node
