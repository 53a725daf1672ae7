#include "relay/feed_numbering.h"

#include <gtest/gtest.h>

#include <set>

namespace simpul::relay {
namespace {

class FeedNumberingTest : public ::testing::Test {
 protected:
  FeedNumbering::Result take(int sequence_number, bool empty = false, uint32_t ssrc = 1) {
    return numbering_.take(rtp::Ssrc(ssrc),
                           rtp::SequenceNumber(static_cast<uint16_t>(sequence_number)), empty);
  }
  int64_t number(int sequence_number, bool empty = false) {
    return take(sequence_number, empty).number.value_or(-1);
  }

  FeedNumbering numbering_;
};

TEST_F(FeedNumberingTest, KeepsTheGapOfALostPacketAndFillsItWhenItComesLate) {
  const int64_t first = number(10);
  EXPECT_EQ(number(12), first + 2);
  EXPECT_EQ(number(11), first + 1);
  EXPECT_EQ(number(13), first + 3);
}

TEST_F(FeedNumberingTest, LeavesNoHoleForPaddingInItsTurn) {
  const int64_t first = number(10);
  EXPECT_FALSE(take(11, true).number);
  EXPECT_FALSE(take(12, true).number);
  EXPECT_EQ(number(13), first + 1);
}

TEST_F(FeedNumberingTest, FillsTheGapWithPaddingThatComesLate) {
  const int64_t first = number(10);
  EXPECT_EQ(number(12), first + 2);
  EXPECT_EQ(number(11, true), first + 1);
}

TEST_F(FeedNumberingTest, FindsThePlaceOfALatePacketBetweenRunsOfPadding) {
  const int64_t first = number(10);
  EXPECT_FALSE(take(11, true).number);
  EXPECT_EQ(number(13), first + 2);  // 12 is missing
  EXPECT_FALSE(take(14, true).number);
  EXPECT_EQ(number(15), first + 3);
  EXPECT_EQ(number(12), first + 1);
}

TEST_F(FeedNumberingTest, GoesOnAcrossTheWrap) {
  const int64_t first = number(65'534);
  EXPECT_EQ(number(1), first + 3);
  EXPECT_EQ(number(65'535), first + 1);
  EXPECT_EQ(number(2), first + 4);
}

TEST_F(FeedNumberingTest, RefusesWhatCameAlready) {
  number(10);
  number(12);
  EXPECT_TRUE(take(12).too_old);
  EXPECT_TRUE(take(10).too_old);
  number(11);
  EXPECT_TRUE(take(11).too_old);
  EXPECT_FALSE(take(13, true).number);
  EXPECT_TRUE(take(13, true).too_old);
}

TEST_F(FeedNumberingTest, RefusesWhatIsOlderThanItRemembers) {
  for (int i = 0; i < 2'000; ++i) {
    if (i != 900 && i != 1'500) number(i);
  }
  EXPECT_TRUE(take(900).too_old);
  EXPECT_FALSE(take(1'500).too_old);
}

TEST_F(FeedNumberingTest, TakesAPacketFromJustBeforeTheFirst) {
  const int64_t first = number(10);
  EXPECT_EQ(number(9), first - 1);
}

TEST_F(FeedNumberingTest, BeginsAnewAfterAGapThatNobodyRepairs) {
  const int64_t first = number(10);
  EXPECT_FALSE(take(10 + FeedNumbering::kGapMax).new_generation);
  const auto after = take(10 + 2 * FeedNumbering::kGapMax + 1);
  EXPECT_TRUE(after.new_generation);
  EXPECT_GT(*after.number, first + FeedNumbering::kGapMax);
}

TEST_F(FeedNumberingTest, BeginsAnewWithAnotherSsrc) {
  EXPECT_TRUE(take(10).new_generation);
  EXPECT_FALSE(take(11).new_generation);
  EXPECT_TRUE(take(12, false, 2).new_generation);
}

TEST_F(FeedNumberingTest, ForgetsTheOldestRunOfPaddingAndWhatWasBeforeIt) {
  number(0);
  number(2);  // 1 is missing
  int next = 3;
  for (size_t run = 0; run < FeedNumbering::kRunsMax + 1; ++run) {
    take(next++, true);
    number(next++);
  }
  EXPECT_TRUE(take(1).too_old);
}

TEST_F(FeedNumberingTest, GivesNoNumberTwiceWhateverComes) {
  uint32_t state = 1;
  std::set<int64_t> given;
  int base = 0;
  for (int i = 0; i < 200'000; ++i) {
    state = state * 1'664'525 + 1'013'904'223;
    const uint32_t random = state >> 8;
    base += random % 7 == 0 ? static_cast<int>(random % 50) : 1;
    if (random % 5'003 == 0) base += 30'000;
    const int back = random % 5 == 0 ? static_cast<int>(random % 1'500) : 0;
    const auto taken = take(base - back, random % 11 == 0, 1 + (random % 7'001 == 0));
    if (taken.number) {
      ASSERT_TRUE(given.insert(*taken.number).second) << *taken.number;
    }
  }
  EXPECT_GT(given.size(), 100'000u);
}

}  // namespace
}  // namespace simpul::relay
