#include <gtest/gtest.h>

#include <type_traits>
#include <unordered_set>
#include <vector>

#include "base/check.h"
#include "base/protocol_core.h"
#include "base/strong_id.h"

namespace simpul {
namespace {

using Apple = StrongId<struct AppleTag, uint32_t>;
using Pear = StrongId<struct PearTag, uint32_t>;

// Ids of different kinds do not mix, and none has arithmetic.
static_assert(!std::is_convertible_v<Apple, Pear>);
static_assert(!std::is_convertible_v<uint32_t, Apple>);
static_assert(!std::is_constructible_v<Apple, Pear>);

struct Echo {
  using Output = std::vector<std::vector<uint8_t>>;
  void receive(Bytes bytes, TimePoint, Output& out) {
    out.emplace_back(bytes.begin(), bytes.end());
  }
  void advance(TimePoint, Output&) {}
  TimePoint next_deadline() const { return kNever; }
};
static_assert(ProtocolCore<Echo>);
static_assert(!ProtocolCore<int>);

TEST(StrongId, IsComparedAndHashedByItsValue) {
  EXPECT_EQ(Apple(3), Apple(3));
  EXPECT_NE(Apple(3), Apple(4));
  EXPECT_EQ(Apple().value(), 0u);
  const std::unordered_set<Apple> apples = {Apple(1), Apple(2), Apple(1)};
  EXPECT_EQ(apples.size(), 2u);
}

TEST(CheckDeath, EndsTheProcessAndSaysWhere) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const int broken = 1;
  EXPECT_DEATH(SIMPUL_CHECK(broken == 2), "vocabulary_test.cc:.*check failed: broken == 2");
}

}  // namespace
}  // namespace simpul
