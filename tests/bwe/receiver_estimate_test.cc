#include "bwe/receiver_estimate.h"

#include <gtest/gtest.h>

namespace simpul::bwe {
namespace {

using namespace std::chrono_literals;

class ReceiverEstimateTest : public ::testing::Test {
 protected:
  void send(double bps, Duration duration) {
    for (Duration passed{}; passed < duration; passed += 10ms) {
      now_ += 10ms;
      estimate_.on_sent(static_cast<size_t>(bps / 800), now_);
    }
  }
  void say(double bps) { estimate_.on_estimate(bps, now_); }
  // The seconds out of so many in which padding is wanted, at a receiver that says the same again
  // and again.
  double seconds_filled(double said, int seconds) {
    double filled = 0;
    for (int i = 0; i < 2 * seconds; ++i) {
      send(said, 500ms);
      say(said);
      if (estimate_.fill(now_)) filled += 0.5;
    }
    return filled;
  }
  // It was sent more than the path carries, and says so.
  void be_narrow(double bps) {
    send(3 * bps, 3s);
    say(bps);
  }

  TimePoint now_ = TimePoint(1h);
  ReceiverEstimate estimate_;
};

TEST_F(ReceiverEstimateTest, IsNoLimitWhileItFollowsWhatArrives) {
  send(1'000'000, 3s);
  say(950'000);
  EXPECT_FALSE(estimate_.is_limit(now_));
  say(1'400'000);
  EXPECT_FALSE(estimate_.is_limit(now_));
  say(800'000);
  EXPECT_FALSE(estimate_.is_limit(now_)) << "0.85 of what arrives, which is all";
}

TEST_F(ReceiverEstimateTest, IsALimitWhereLessArrivesThanLeaves) {
  send(1'000'000, 3s);
  say(950'000);
  say(600'000);
  EXPECT_TRUE(estimate_.is_limit(now_));
  EXPECT_EQ(estimate_.bps(), 600'000);
}

TEST_F(ReceiverEstimateTest, IsALimitAtOnceWhereItsFirstWordIsOfLess) {
  send(1'000'000, 3s);
  say(400'000);
  EXPECT_TRUE(estimate_.is_limit(now_));
}

TEST_F(ReceiverEstimateTest, OfABurstCountsOnlyWhereItStaysLow) {
  be_narrow(500'000);
  send(1'000'000, 3s);
  say(1'500'000);
  say(900'000);
  EXPECT_EQ(estimate_.bps(), 1'500'000);
  send(1'000'000, ReceiverEstimate::kBurstFor + 1s);
  say(1'000'000);
  EXPECT_EQ(estimate_.bps(), 1'000'000);
}

TEST_F(ReceiverEstimateTest, IsNoneOfWhoIsSentThingsAndSaysNothingAnyMore) {
  be_narrow(500'000);
  now_ += 20s;
  EXPECT_TRUE(estimate_.is_limit(now_)) << "nothing was sent that it could speak of";
  send(400'000, 6s);
  EXPECT_FALSE(estimate_.is_limit(now_));
}

TEST_F(ReceiverEstimateTest, IsFilledUpToWhatItSaysAndIsWanted) {
  be_narrow(500'000);
  estimate_.set_wanted(520'000);
  send(150'000, 1s);
  EXPECT_FALSE(estimate_.fill(now_)) << "it has just fallen";
  send(150'000, 3s);
  EXPECT_EQ(estimate_.fill(now_), 500'000);
  send(500'000, 500ms);
  say(600'000);
  EXPECT_EQ(estimate_.fill(now_), 520'000) << "until the layer has come";
  send(500'000, ReceiverEstimate::kUntilItCame + 1s);
  EXPECT_FALSE(estimate_.fill(now_));
}

TEST_F(ReceiverEstimateTest, IsNotFilledWhereNothingMoreIsWanted) {
  be_narrow(500'000);
  estimate_.set_wanted(0);
  EXPECT_EQ(seconds_filled(500'000, 60), 0);
}

TEST_F(ReceiverEstimateTest, IsFilledMoreRarelyWhereThatShowsNothing) {
  be_narrow(500'000);
  estimate_.set_wanted(900'000);
  EXPECT_GE(seconds_filled(500'000, 60), 25);
  EXPECT_LE(seconds_filled(500'000, 600), 320);
}

TEST_F(ReceiverEstimateTest, StaysALimitUntilWhatItWasFilledForHasCome) {
  be_narrow(500'000);
  for (Duration passed{}; passed <= ReceiverEstimate::kNarrowFor; passed += 500ms) {
    send(500'000, 500ms);
    say(500'000);
  }
  ASSERT_FALSE(estimate_.is_limit(now_)) << "that is too long ago";
  estimate_.set_wanted(900'000);
  EXPECT_GT(seconds_filled(500'000, 1), 0);
  say(950'000);
  EXPECT_TRUE(estimate_.is_limit(now_));
  EXPECT_GT(seconds_filled(950'000, 2), 0);
  seconds_filled(950'000, 5);
  EXPECT_FALSE(estimate_.is_limit(now_));
}

TEST_F(ReceiverEstimateTest, IsNotFilledForAWhileAfterThatMadeItFall) {
  be_narrow(500'000);
  estimate_.set_wanted(900'000);
  EXPECT_GT(seconds_filled(500'000, 6), 0);
  say(420'000);
  EXPECT_EQ(estimate_.bps(), 420'000);
  EXPECT_EQ(seconds_filled(420'000, 9), 0);
  EXPECT_GT(seconds_filled(420'000, 3), 0);
}

}  // namespace
}  // namespace simpul::bwe
