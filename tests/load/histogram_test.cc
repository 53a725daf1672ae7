#include "bench/load/histogram.h"

#include <gtest/gtest.h>

namespace simpul::load {
namespace {

TEST(Histogram, KnowsPercentilesToTwoInAHundredAndTheLargestExactly) {
  Histogram histogram;
  for (int i = 1; i <= 10'000; ++i) histogram.add(i / 100.0);
  EXPECT_EQ(histogram.count(), 10'000u);
  EXPECT_NEAR(histogram.percentile(0.5), 50, 50 * 0.023);
  EXPECT_NEAR(histogram.percentile(0.99), 99, 99 * 0.023);
  EXPECT_EQ(histogram.percentile(1), 100);
  EXPECT_EQ(histogram.max(), 100);
  EXPECT_NEAR(histogram.share_below(25), 0.25, 0.01);
  EXPECT_EQ(histogram.share_below(100), 1);
}

TEST(Histogram, IsZeroWhenItHasNothing) {
  const Histogram histogram;
  EXPECT_EQ(histogram.percentile(0.99), 0);
  EXPECT_EQ(histogram.max(), 0);
  EXPECT_EQ(histogram.share_below(1), 0);
}

TEST(Histogram, TakesWhatIsBeyondItsRange) {
  Histogram histogram;
  for (const double value : {-1.0, 0.0, 1e-9}) histogram.add(value);
  histogram.add(1e9);
  EXPECT_EQ(histogram.count(), 4u);
  EXPECT_LE(histogram.percentile(0.5), 0.0011);
  EXPECT_EQ(histogram.max(), 1e9);
}

TEST(Histogram, IsAddedToAnother) {
  Histogram low;
  low.add(1);
  Histogram high;
  high.add(100);
  low += high;
  EXPECT_EQ(low.count(), 2u);
  EXPECT_NEAR(low.percentile(0.5), 1, 0.023);
  EXPECT_EQ(low.max(), 100);
}

}  // namespace
}  // namespace simpul::load
