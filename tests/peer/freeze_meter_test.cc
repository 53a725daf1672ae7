#include "bench/peer/freeze_meter.h"

#include <gtest/gtest.h>

namespace simpul::peer {
namespace {

using namespace std::chrono_literals;

class FreezeMeterTest : public ::testing::Test {
 protected:
  // So many frames, one each 33 ms.
  void run(int count) {
    for (int i = 0; i < count; ++i) {
      now_ += 33ms;
      meter_.frame(now_);
    }
  }

  TimePoint now_{1h};
  FreezeMeter meter_;
};

TEST_F(FreezeMeterTest, WhatNeverMovesAgainIsFrozenAtTheEnd) {
  run(40);
  now_ += 5s;
  EXPECT_EQ(meter_.counts().freezes, 0u) << "nobody knows yet";
  meter_.end(now_);
  EXPECT_EQ(meter_.counts().freezes, 1u);
  EXPECT_EQ(meter_.counts().frozen, 5s);
  EXPECT_EQ(meter_.counts().longest_gap, 5s);
}

TEST_F(FreezeMeterTest, AnEndBetweenTwoFramesIsNoFreeze) {
  run(40);
  meter_.end(now_ + 30ms);
  EXPECT_EQ(meter_.counts().freezes, 0u);
}

TEST_F(FreezeMeterTest, WhatStoppedAfterAFewFramesIsFrozenAtTheEnd) {
  run(2);
  meter_.end(now_ + FreezeMeter::kFrozenAtOnce);
  EXPECT_EQ(meter_.counts().freezes, 1u);
}

TEST_F(FreezeMeterTest, NothingCountsBehindTheEnd) {
  run(40);
  now_ += 3s;
  meter_.end(now_);
  meter_.end(now_ + 9s);
  now_ += 2s;
  run(1);
  EXPECT_EQ(meter_.counts().freezes, 1u);
  EXPECT_EQ(meter_.counts().frozen, 3s);
  meter_.reset();
  run(5);
  EXPECT_EQ(meter_.counts().freezes, 0u);
  now_ += 4s;
  run(1);
  EXPECT_EQ(meter_.counts().freezes, 1u);
}

TEST_F(FreezeMeterTest, WhatNeverBeganCannotFreeze) {
  meter_.end(now_);
  EXPECT_EQ(meter_.counts().freezes, 0u);
  EXPECT_FALSE(meter_.last_frame_at());
}

}  // namespace
}  // namespace simpul::peer
