#include "connection/pacer.h"

#include <gtest/gtest.h>

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

class PacerTest : public ::testing::Test {
 protected:
  Pacer pacer_;
  TimePoint now_{10s};
};

TEST_F(PacerTest, LetsEverythingPassWhileThereIsNoRate) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(pacer_.admits(1'000, now_));
    pacer_.on_sent(1'250'000, now_);
  }
  EXPECT_EQ(pacer_.bytes_admitted(now_), SIZE_MAX);
}

TEST_F(PacerTest, LetsTenPacketsPassAtAnyRate) {
  pacer_.set_rate(100'000);
  EXPECT_TRUE(pacer_.admits(10, now_));
  EXPECT_FALSE(pacer_.admits(11, now_));
  EXPECT_EQ(pacer_.bytes_admitted(now_), 12'500u);
}

TEST_F(PacerTest, LetsTenMillisecondsAtItsRatePass) {
  pacer_.set_rate(20'000'000);  // 50 Mbit/s are 62,500 bytes
  EXPECT_TRUE(pacer_.admits(50, now_));
  EXPECT_FALSE(pacer_.admits(51, now_));
  EXPECT_EQ(pacer_.bytes_admitted(now_), 62'500u);
}

TEST_F(PacerTest, WhatLeftTakesItsTimeAtTwoAndAHalfTimesWhatThePathCarries) {
  pacer_.set_rate(1'000'000);
  pacer_.on_sent(12'500, now_);
  EXPECT_EQ(pacer_.clear_at(), now_ + 40ms);
  EXPECT_FALSE(pacer_.admits(1, now_));
  EXPECT_EQ(pacer_.bytes_admitted(now_), 0u);
  EXPECT_TRUE(pacer_.admits(5, now_ + 20ms));
  EXPECT_FALSE(pacer_.admits(6, now_ + 20ms));
  EXPECT_TRUE(pacer_.admits(10, now_ + 40ms));
  EXPECT_FALSE(pacer_.admits(11, now_ + 10s)) << "what was not used is not saved";
}

TEST_F(PacerTest, PutsNoBurstOntoAPathThatIsFull) {
  pacer_.set_narrow_rate(500'000);
  EXPECT_TRUE(pacer_.admits(2, now_));
  EXPECT_FALSE(pacer_.admits(3, now_));
  EXPECT_EQ(pacer_.bytes_admitted(now_), 2'500u);
  pacer_.on_sent(2'500, now_);
  EXPECT_EQ(pacer_.clear_at(), now_ + 40ms) << "no faster than it carries";
  pacer_.set_rate(500'000);
  EXPECT_TRUE(pacer_.admits(10, now_ + 40ms)) << "and as before when it is not any more";
}

TEST_F(PacerTest, WhatWaitsLeavesInTimeHoweverNarrowThePathIs) {
  pacer_.set_rate(50'000);
  pacer_.on_sent(12'500, now_);
  size_t waiting = 250'000;
  pacer_.on_waiting(waiting, now_);
  const TimePoint end = now_ + 800ms;  // the burst before takes 100 of them
  TimePoint at = now_;
  for (; waiting > 0 && at < end; at += 1ms) {
    const size_t bytes = std::min(waiting, pacer_.bytes_admitted(at));
    pacer_.on_released(bytes, at);
    waiting -= bytes;
  }
  EXPECT_EQ(waiting, 0u);
  EXPECT_LE(at - now_, Pacer::kWaitMax + 1ms);
  pacer_.on_none_waiting();
  pacer_.on_sent(12'500, at + 1s);
  EXPECT_EQ(pacer_.clear_at(), at + 1s + 800ms) << "its own rate again";
}

TEST_F(PacerTest, WhatWaitsLeavesInSlices) {
  pacer_.set_rate(1'000'000);
  size_t waiting = 60'000;
  pacer_.on_waiting(waiting, now_);
  std::vector<size_t> slices;
  for (TimePoint at = now_; waiting > 0; at = pacer_.clear_at()) {
    slices.push_back(std::min(waiting, pacer_.bytes_admitted(at)));
    pacer_.on_released(slices.back(), at);
    waiting -= slices.back();
  }
  EXPECT_EQ(slices, (std::vector<size_t>{12'500, 12'500, 12'500, 12'500, 10'000}));
}

// Bytes that leave within `time` when whoever releases them is woken so late each time.
size_t released(Pacer& pacer, size_t waiting, Duration late, Duration time, TimePoint now) {
  pacer.on_waiting(waiting, now);
  size_t left = 0;
  for (TimePoint at = now; at < now + time && left < waiting; at = pacer.clear_at() + late) {
    const size_t bytes = std::min(pacer.bytes_admitted(at), waiting - left);
    pacer.on_released(bytes, at);
    left += bytes;
  }
  return left;
}

TEST_F(PacerTest, MakesUpForWakingLateWhilePacketsWait) {
  for (const Duration late : {0ms, 1ms, 3ms, 5ms}) {
    Pacer pacer;
    pacer.set_narrow_rate(5'000'000);  // two packets each 4 ms
    const size_t left = released(pacer, 100'000, late, 100ms, now_);
    EXPECT_GE(left, 62'500u - 2'500u - 3'125u) << late.count();
    EXPECT_LE(left, 62'500u + 2'500u + 3'125u) << "no faster than the path";
  }
}

TEST_F(PacerTest, SavesNoMoreThanAFewMilliseconds) {
  pacer_.set_narrow_rate(2'000'000);
  pacer_.on_waiting(50'000, now_);
  EXPECT_EQ(pacer_.bytes_admitted(now_), 2'500u) << "nothing was saved before any waited";
  pacer_.on_released(2'500, now_);
  EXPECT_EQ(pacer_.bytes_admitted(now_ + 110ms), 2'500u + 1'250u);
  pacer_.on_waiting(60'000, now_ + 110ms);
  EXPECT_EQ(pacer_.bytes_admitted(now_ + 110ms), 2'500u + 1'250u) << "more that waits adds none";
  pacer_.on_none_waiting();
  EXPECT_EQ(pacer_.bytes_admitted(now_ + 1s), 2'500u);
}

}  // namespace
}  // namespace simpul::connection
