#include "node/spsc_ring.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace simpul::node {
namespace {

TEST(SpscRing, ShowsABatchWhenItIsPublished) {
  SpscRing<int, 8> ring;
  int value = 0;
  EXPECT_TRUE(ring.push(1));
  EXPECT_TRUE(ring.push(2));
  EXPECT_FALSE(ring.pop(value));
  EXPECT_TRUE(ring.publish());
  EXPECT_FALSE(ring.publish());
  EXPECT_TRUE(ring.pop(value));
  EXPECT_EQ(value, 1);
  EXPECT_TRUE(ring.pop(value));
  EXPECT_EQ(value, 2);
  EXPECT_FALSE(ring.pop(value));
}

TEST(SpscRing, TakesNoMoreThanItHolds) {
  SpscRing<int, 4> ring;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(ring.push(int{i}));
  EXPECT_FALSE(ring.push(4));
  ring.publish();
  int value = 0;
  EXPECT_TRUE(ring.pop(value));
  EXPECT_TRUE(ring.push(4));
  EXPECT_FALSE(ring.push(5));
}

TEST(SpscRing, LeavesAValueThatDoesNotFitWithItsOwner) {
  SpscRing<std::unique_ptr<int>, 1> ring;
  EXPECT_TRUE(ring.push(std::make_unique<int>(1)));
  auto kept = std::make_unique<int>(2);
  EXPECT_FALSE(ring.push(std::move(kept)));
  ASSERT_TRUE(kept);
  EXPECT_EQ(*kept, 2);  // NOLINT(bugprone-use-after-move)
}

TEST(SpscRing, LetsGoOfWhatWasTaken) {
  SpscRing<std::shared_ptr<int>, 4> ring;
  auto value = std::make_shared<int>(1);
  ring.push(std::shared_ptr<int>(value));
  ring.publish();
  std::shared_ptr<int> taken;
  ring.pop(taken);
  taken.reset();
  EXPECT_EQ(value.use_count(), 1);
}

TEST(SpscRing, KeepsTheOrderBetweenTwoThreads) {
  constexpr uint64_t kCount = 200'000;
  SpscRing<uint64_t, 64> ring;
  std::jthread producer([&ring] {
    for (uint64_t next = 0; next < kCount;) {
      next += ring.push(uint64_t{next});
      if (next % 7 == 0) ring.publish();
    }
    ring.publish();
  });
  uint64_t expected = 0;
  while (expected < kCount) {
    uint64_t value = 0;
    if (!ring.pop(value)) {
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(value, expected);
    ++expected;
  }
}

}  // namespace
}  // namespace simpul::node
