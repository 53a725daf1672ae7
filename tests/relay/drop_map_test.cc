#include "relay/drop_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace simpul::relay {
namespace {

TEST(DropMap, AgreesWithASimpleCountOverItsWindow) {
  std::mt19937_64 random(1);
  constexpr int64_t kFirst = 5'000;
  DropMap<4> map(kFirst);
  std::map<int64_t, int64_t> before;  // number kept -> left out ahead of it
  int64_t left_out = 0;
  for (int64_t number = kFirst; number < kFirst + 3'000; ++number) {
    if (random() % 3 != 0) {
      map.drop(number);
      ++left_out;
    } else if (random() % 2 == 0) {
      map.take(number);
      before[number] = left_out;
    }
  }
  size_t known = 0;
  for (const auto& [number, count] : before) {
    if (!map.is_known(number)) continue;
    ++known;
    EXPECT_EQ(map.dropped_before(number), count);
    EXPECT_EQ(map.number_at(number - count), number);
    EXPECT_FALSE(map.is_dropped(number));
  }
  EXPECT_GT(known, 20u);
}

TEST(DropMap, ForgetsWhatIsOlderThanItsWindow) {
  DropMap<4> map(1'000);
  map.take(1'000);
  map.drop(1'001);
  EXPECT_TRUE(map.is_dropped(1'001));
  map.take(1'000 + 2 * DropMap<4>::kWindow);
  EXPECT_FALSE(map.is_known(1'001));
  EXPECT_FALSE(map.dropped_before(1'001));
  EXPECT_FALSE(map.number_at(1'000));
  EXPECT_EQ(map.dropped_before(5'000), 1);
}

TEST(DropMap, NothingInFrontOfItsFirstNumberWasLeftOut) {
  DropMap<4> map(1'000);
  map.drop(1'000);
  EXPECT_EQ(map.dropped_before(950), 0);
  EXPECT_EQ(map.number_at(950), 950);
}

}  // namespace
}  // namespace simpul::relay
