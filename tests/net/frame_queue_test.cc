#include "net/frame_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/allocation_counter.h"

namespace simpul::net {
namespace {

using ::testing::ElementsAre;

const std::vector<uint8_t> kFrame(1'000, 1);

TEST(FrameQueue, PutsTheLengthInFrontOfEachFrame) {
  FrameQueue queue;
  EXPECT_TRUE(queue.push(std::vector<uint8_t>{7, 8}, true));
  EXPECT_TRUE(queue.push(std::vector<uint8_t>{9}, true));
  EXPECT_THAT(queue.waiting(), ElementsAre(0, 2, 7, 8, 0, 1, 9));
  queue.pop(3);
  EXPECT_THAT(queue.waiting(), ElementsAre(8, 0, 1, 9));
  queue.pop(4);
  EXPECT_TRUE(queue.empty());
}

TEST(FrameQueue, GoesOnInTheMiddleOfAFrameThatWasPartlySent) {
  for (size_t sent = 0; sent < 4; ++sent) {
    FrameQueue queue;
    queue.push_rest(std::vector<uint8_t>{7, 8}, sent);
    const std::vector<uint8_t> whole = {0, 2, 7, 8};
    EXPECT_TRUE(std::ranges::equal(queue.waiting(), Bytes(whole).subspan(sent))) << sent;
    EXPECT_TRUE(queue.push(std::vector<uint8_t>{9}, true));
    EXPECT_EQ(queue.waiting().size(), 4 - sent + 3);
  }
}

TEST(FrameQueue, HoldsNoMoreThanItsLimitAndOnlyWholeFrames) {
  FrameQueue queue;
  size_t pushed = 0;
  while (queue.push(kFrame, false)) ++pushed;
  EXPECT_EQ(pushed, FrameQueue::kBytesMax / 1'002);
  EXPECT_EQ(queue.waiting().size(), pushed * 1'002);
  EXPECT_FALSE(queue.push(kFrame, false));
  EXPECT_EQ(queue.waiting().size(), pushed * 1'002);
}

TEST(FrameQueue, KeepsRoomFromMediaForTheRest) {
  FrameQueue queue;
  while (queue.push(kFrame, true)) {
  }
  EXPECT_LE(queue.waiting().size(), FrameQueue::kMediaBytesMax);
  size_t others = 0;
  while (queue.push(kFrame, false)) ++others;
  EXPECT_GE(others, 60u);
}

TEST(FrameQueue, TakesItsMemoryWhenSomethingWaitsAndGivesItBackWhenNothingDoes) {
  FrameQueue queue;
  const size_t none = simpul::testing::allocations();
  queue.pop(0);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(simpul::testing::allocations(), none);
  for (int round = 0; round < 3; ++round) {
    const size_t before = simpul::testing::allocations();
    round == 1 ? queue.push_rest(kFrame, 500) : static_cast<void>(queue.push(kFrame, true));
    EXPECT_EQ(simpul::testing::allocations(), before + 1) << "what it had before is gone";
    while (queue.push(kFrame, false)) {
    }
    EXPECT_EQ(simpul::testing::allocations(), before + 1) << "it does not grow";
    queue.pop(queue.waiting().size());
  }
}

TEST(FrameQueue, HasItsWholeRoomAgainForWhatFollowsWhatWasSent) {
  FrameQueue queue;
  for (uint8_t round = 0; round < 50; ++round) {
    while (queue.push(std::vector<uint8_t>(1'000, round), false)) {
    }
    EXPECT_GT(queue.waiting().size(), FrameQueue::kBytesMax - 1'002);
    queue.pop(100'200);
    EXPECT_EQ(queue.waiting()[0], 3);  // 1,000 is 0x03e8: a frame begins here
    EXPECT_EQ(queue.waiting()[1], 0xe8);
  }
}

}  // namespace
}  // namespace simpul::net
