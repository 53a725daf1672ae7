#include "node/report_pace.h"

#include <gtest/gtest.h>

namespace simpul::node {
namespace {

using namespace std::chrono_literals;

class ReportPaceTest : public ::testing::Test {
 protected:
  TimePoint now_{1h};
  ReportPace pace_;
};

TEST_F(ReportPaceTest, SpreadsThreeThousandConnectionsOverTheSecond) {
  pace_.begin(3'000, now_, 1s);
  size_t total = 0;
  size_t slices = 0;
  TimePoint turn = now_;
  while (pace_.running()) {
    ASSERT_NE(pace_.next_deadline(), kNever);
    turn = std::max(turn + 1ms, pace_.next_deadline());  // the loop wakes when it is due
    const size_t taken = pace_.take(turn);
    EXPECT_LE(taken, ReportPace::kSliceMax);
    total += taken;
    ++slices;
  }
  EXPECT_EQ(total, 3'000u);
  EXPECT_GT(slices, 100u);
  EXPECT_LE(turn - now_, 760ms);
  EXPECT_EQ(pace_.next_deadline(), kNever);
  EXPECT_EQ(pace_.take(turn), 0u);
}

TEST_F(ReportPaceTest, TakesNoMoreThanASliceAfterAStall) {
  pace_.begin(1'000, now_, 1s);
  now_ += 5s;
  EXPECT_EQ(pace_.take(now_), ReportPace::kSliceMax);
  EXPECT_EQ(pace_.take(now_), ReportPace::kSliceMax);
  EXPECT_LE(pace_.next_deadline(), now_);
}

TEST_F(ReportPaceTest, DoesNotWakeTheLoopForEachOfAFew) {
  pace_.begin(5, now_, 1s);
  EXPECT_EQ(pace_.next_deadline(), now_ + 750ms);
  EXPECT_EQ(pace_.take(now_ + 750ms), 5u);
  EXPECT_FALSE(pace_.running());
}

TEST_F(ReportPaceTest, EndsARoundOfNobodyAtOnce) {
  pace_.begin(0, now_, 1s);
  EXPECT_EQ(pace_.next_deadline(), now_);
  EXPECT_EQ(pace_.take(now_), 0u);
  EXPECT_FALSE(pace_.running());
}

TEST_F(ReportPaceTest, BeginsAnewBeforeTheRoundIsOver) {
  pace_.begin(100, now_, 1s);
  pace_.take(now_ + 300ms);
  pace_.begin(10, now_ + 1s, 1s);
  EXPECT_EQ(pace_.take(now_ + 2s), 10u);
  EXPECT_FALSE(pace_.running());
}

}  // namespace
}  // namespace simpul::node
