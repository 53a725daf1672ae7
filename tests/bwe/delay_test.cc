#include <gtest/gtest.h>

#include "bwe/acknowledged_rate.h"
#include "bwe/delay_estimator.h"
#include "bwe/packet_groups.h"
#include "bwe/queue_delay.h"
#include "bwe/trendline.h"

namespace simpul::bwe {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{1h};

class PacketGroupsTest : public ::testing::Test {
 protected:
  std::optional<GroupDelta> add(Duration sent, Duration arrived) {
    return groups_.add(kStart + sent, arrived, kStart + arrived);
  }
  PacketGroups groups_;
};

TEST_F(PacketGroupsTest, ComparesGroupsAndNotPackets) {
  EXPECT_FALSE(add(0ms, 50ms));
  EXPECT_FALSE(add(1ms, 52ms));
  EXPECT_FALSE(add(20ms, 70ms));
  EXPECT_FALSE(add(21ms, 74ms));
  const auto delta = add(40ms, 90ms);
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->sent, 20ms);
  EXPECT_EQ(delta->arrived, 22ms);
  EXPECT_EQ(delta->arrived_at, Duration(74ms));
}

TEST_F(PacketGroupsTest, TakesWhatArrivesTogetherForOneGroup) {
  add(0ms, 50ms);
  add(20ms, 100ms);
  EXPECT_FALSE(add(30ms, 101ms));  // sent later, and came right behind
  const auto delta = add(60ms, 120ms);
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->sent, 30ms);
  EXPECT_EQ(delta->arrived, 51ms);
}

TEST_F(PacketGroupsTest, IgnoresPacketsOfGroupsThatAreOver) {
  add(0ms, 50ms);
  add(20ms, 70ms);
  EXPECT_FALSE(add(10ms, 75ms));
  EXPECT_TRUE(add(40ms, 90ms));
}

TEST_F(PacketGroupsTest, BeginsAnewWhenTheReceiversClockJumps) {
  add(0ms, 50ms);
  add(20ms, 70ms);
  groups_.add(kStart + 40ms, 20s, kStart + 90ms);
  EXPECT_FALSE(groups_.add(kStart + 60ms, 20s + 20ms, kStart + 110ms));
}

class TrendlineTest : public ::testing::Test {
 protected:
  // Groups each 20 ms that take so much longer each time.
  PathUse add(int count, Duration longer) {
    for (int i = 0; i < count; ++i) {
      at_ += 20ms + longer;
      trendline_.add({.sent = 20ms, .arrived = 20ms + longer, .arrived_at = at_});
    }
    return trendline_.use();
  }
  Duration at_{};
  Trendline trendline_;
};

TEST_F(TrendlineTest, IsNormalOnAPathThatKeepsItsDelay) {
  EXPECT_EQ(add(200, 0ms), PathUse::kNormal);
}

TEST_F(TrendlineTest, SeesAQueueGrow) {
  add(100, 0ms);
  EXPECT_EQ(add(20, 3ms), PathUse::kOver);
}

TEST_F(TrendlineTest, SeesAQueueShrink) {
  add(100, 0ms);
  add(20, 3ms);
  EXPECT_EQ(add(30, -3ms), PathUse::kUnder);
}

TEST_F(TrendlineTest, LearnsThatAPathIsRestless) {
  int over = 0;
  for (int i = 0; i < 2'000; ++i) {
    const PathUse use = add(1, i % 2 == 0 ? 8ms : -8ms);
    if (i >= 1'000) over += use == PathUse::kOver;
  }
  EXPECT_EQ(over, 0);
}

void add(AcknowledgedRate& rate, const PacketResult& result) { rate.add(std::span(&result, 1)); }

TEST(AcknowledgedRate, SaysWhatArrives) {
  AcknowledgedRate rate;
  for (int i = 0; i < 100; ++i) {
    add(rate, {.sent_at = kStart + i * 10ms, .arrived_at = 5ms + i * 10ms, .size = 1'250});
  }
  EXPECT_EQ(rate.bits_per_second(), 1'000'000u);
}

TEST(AcknowledgedRate, IsNotKnownFromAFewPackets) {
  AcknowledgedRate rate;
  for (size_t i = 1; i < AcknowledgedRate::kPacketsNeeded; ++i) {
    add(rate, {.sent_at = kStart, .arrived_at = 5ms, .size = 1'250});
  }
  EXPECT_FALSE(rate.bits_per_second());
}

TEST(AcknowledgedRate, IsNotFasterThanWhatWasSentWhenAQueueEmpties) {
  AcknowledgedRate rate;
  for (int i = 0; i < 100; ++i) {
    add(rate, {.sent_at = kStart + i * 10ms, .arrived_at = 800ms + i * 2ms, .size = 1'250});
  }
  EXPECT_EQ(rate.bits_per_second(), 1'000'000u);
}

TEST(AcknowledgedRate, ForgivesOneStall) {
  AcknowledgedRate rate;
  for (int i = 0; i < 100; ++i) {
    const Duration stall = i < 50 ? 0ms : 200ms;
    add(rate, {.sent_at = kStart + i * 10ms, .arrived_at = stall + i * 10ms, .size = 1'250});
  }
  EXPECT_GT(*rate.bits_per_second(), 950'000u);
}

TEST(AcknowledgedRate, SeesAtOnceThatThePathHasBecomeSlower) {
  AcknowledgedRate rate;
  for (int i = 0; i < 100; ++i) {
    add(rate, {.sent_at = kStart + i * 10ms, .arrived_at = i * 10ms, .size = 1'250});
  }
  for (int i = 0; i < 8; ++i) {
    add(rate, {.sent_at = kStart + 1s + i * 10ms, .arrived_at = 1s + i * 40ms, .size = 1'250});
  }
  EXPECT_GT(*rate.bits_per_second(), 700'000u);
  EXPECT_LT(*rate.dropped_bits_per_second(Duration{}), 350'000u);
}

TEST(AcknowledgedRate, IsWhatThePathCarriesWhileAQueueWaits) {
  AcknowledgedRate rate;
  for (int i = 0; i < 100; ++i) {
    add(rate, {.sent_at = kStart + i * 10ms, .arrived_at = i * 10ms, .size = 1'250});
  }
  EXPECT_FALSE(rate.busy_bits_per_second(99ms)) << "too short a time";
  EXPECT_GT(*rate.busy_bits_per_second(100ms), 900'000u);
  // Each is sent 10 ms and arrives 30 ms after the one before: the fifth waits for 100 ms.
  for (int i = 0; i < 5; ++i) {
    add(rate,
        {.sent_at = kStart + 1s + i * 10ms, .arrived_at = 1s + 10ms + i * 30ms, .size = 1'250});
  }
  EXPECT_LT(*rate.busy_bits_per_second(100ms), 450'000u);
  EXPECT_GT(*rate.bits_per_second(), 900'000u);
  EXPECT_EQ(rate.dropped_bits_per_second(100ms), rate.busy_bits_per_second(100ms));
}

TEST(AcknowledgedRate, IsNotThatOfAPathThatBecameLonger) {
  AcknowledgedRate rate;
  for (int i = 0; i < 100; ++i) {
    add(rate, {.sent_at = kStart + i * 10ms, .arrived_at = i * 10ms, .size = 1'250});
  }
  for (int i = 0; i < 10; ++i) {
    add(rate,
        {.sent_at = kStart + 1s + i * 10ms, .arrived_at = 1s + 150ms + i * 10ms, .size = 1'250});
    const auto busy = rate.busy_bits_per_second(150ms);
    EXPECT_TRUE(!busy || *busy > 600'000u) << i;
  }
}

TEST(QueueDelay, IsTheDelayAboveTheSmallest) {
  QueueDelay queue;
  queue.add(kStart, 70ms, kStart);
  queue.add(kStart + 10ms, 80ms, kStart);
  EXPECT_EQ(queue.value(), 0ms);
  queue.add(kStart + 20ms, 130ms, kStart);
  EXPECT_EQ(queue.value(), 40ms);
}

TEST(QueueDelay, ForgetsAPathThatWasShorter) {
  QueueDelay queue;
  queue.add(kStart, 50ms, kStart);
  for (Duration time{}; time <= 3 * QueueDelay::kMemory; time += 1s) {
    queue.add(kStart + time, time + 90ms, kStart + time);
  }
  EXPECT_EQ(queue.value(), 0ms);
}

class DelayEstimatorTest : public ::testing::Test {
 protected:
  void update(PathUse use, double acknowledged, int times = 1, bool limited = false) {
    for (int i = 0; i < times; ++i) {
      now_ += 100ms;
      estimator_.update(use, acknowledged, limited, now_);
    }
  }
  TimePoint now_ = kStart;
  DelayEstimator estimator_{1'000'000};
};

TEST_F(DelayEstimatorTest, GrowsByEightPercentASecondWhereNothingIsKnown) {
  update(PathUse::kNormal, 1'000'000, 11);
  EXPECT_NEAR(estimator_.rate_bps(), 1'080'000, 5'000);
}

TEST_F(DelayEstimatorTest, DoesNotGrowFarBeyondWhatArrives) {
  update(PathUse::kNormal, 500'000, 200);
  EXPECT_EQ(estimator_.rate_bps(), 1'000'000);
  update(PathUse::kNormal, 700'000, 200);
  EXPECT_NEAR(estimator_.rate_bps(), 1.5 * 700'000 + 10'000, 1);
}

TEST_F(DelayEstimatorTest, FallsToAShareOfWhatArrives) {
  update(PathUse::kNormal, 1'000'000);
  update(PathUse::kOver, 800'000);
  EXPECT_NEAR(estimator_.rate_bps(), 0.85 * 800'000 - 5'000, 1);
  EXPECT_TRUE(estimator_.is_lowered());
}

TEST_F(DelayEstimatorTest, GrowsSlowlyNearTheCapacityThatItKnows) {
  update(PathUse::kOver, 1'000'000);
  const double lowered = estimator_.rate_bps();
  update(PathUse::kNormal, 850'000, 11);
  EXPECT_GT(estimator_.rate_bps(), lowered + 4'000);
  EXPECT_LT(estimator_.rate_bps(), lowered * 1.05);
}

TEST_F(DelayEstimatorTest, HoldsWhileAQueueEmptiesAndWhileTheSenderHasNothingToSend) {
  update(PathUse::kUnder, 1'000'000, 20);
  EXPECT_EQ(estimator_.rate_bps(), 1'000'000);
  update(PathUse::kNormal, 1'000'000, 20, true);
  EXPECT_EQ(estimator_.rate_bps(), 1'000'000);
}

}  // namespace
}  // namespace simpul::bwe
