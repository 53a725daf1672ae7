#include "bwe/own_loss.h"

#include <gtest/gtest.h>

#include "base/time.h"

namespace simpul::bwe {
namespace {

using namespace std::chrono_literals;

class OwnLossTest : public ::testing::Test {
 protected:
  // Four observations a second of a sender of packets of 1,250 bytes, of which a share is lost.
  void run(Duration duration, double sent_bps, double loss, bool is_limited = false) {
    for (; duration > 0s; duration -= 250ms) {
      const double packets = sent_bps / 8 / 1'250 / 4;
      const double received_bps = sent_bps * (1 - loss);
      own_loss_.add({.packets = packets,
                     .lost = packets * loss,
                     .received_bps = received_bps,
                     .arriving_bps = received_bps,
                     .is_application_limited = is_limited});
    }
  }

  OwnLoss own_loss_;
};

TEST_F(OwnLossTest, IsNotKnownWhereTheRateIsAlwaysTheSame) {
  run(60s, 1'000'000, 0.1);
  EXPECT_FALSE(own_loss_.value());
}

TEST_F(OwnLossTest, IsWhatIsLostWhileLittleArrives) {
  run(5s, 2'000'000, 0.1);
  run(5s, 500'000, 0.1);
  ASSERT_TRUE(own_loss_.value());
  EXPECT_NEAR(*own_loss_.value(), 0.1, 0.001);
}

TEST_F(OwnLossTest, IsKnownFromBeforeMoreWasSent) {
  run(5s, 500'000, 0.1);
  EXPECT_FALSE(own_loss_.value());
  run(1s, 2'000'000, 0.1);
  EXPECT_NEAR(own_loss_.value().value_or(1), 0.1, 0.001);
}

TEST_F(OwnLossTest, IsNotWhatAFullPathDrops) {
  run(5s, 500'000, 0);
  run(10s, 2'000'000, 0.5);
  run(10s, 1'500'000, 0.333);
  EXPECT_EQ(own_loss_.value(), 0);
}

TEST_F(OwnLossTest, IsNotKnownFromAFewPackets) {
  run(5s, 2'000'000, 0.1);
  run(500ms, 500'000, 0.1);
  EXPECT_FALSE(own_loss_.value());
}

TEST_F(OwnLossTest, IsNeverMoreThanIsLostNow) {
  run(5s, 2'000'000, 0.2);
  run(5s, 500'000, 0.2);
  own_loss_.limit(0.05);
  EXPECT_NEAR(*own_loss_.value(), 0.05, 0.001);
}

TEST_F(OwnLossTest, IsAtMostAHalf) {
  run(5s, 2'000'000, 0.1);
  run(5s, 500'000, 0.9);
  EXPECT_EQ(own_loss_.value(), OwnLoss::kMax);
}

TEST_F(OwnLossTest, IsNotKnownOfAPathThatHasCarriedLittleForLong) {
  run(5s, 2'000'000, 0.1);
  run(2 * OwnLoss::kMemory * 250ms, 500'000, 0.1);
  EXPECT_FALSE(own_loss_.value());
}

TEST_F(OwnLossTest, StaysKnownWhileThereIsNothingMoreToSend) {
  run(5s, 2'000'000, 0.1);
  run(300s, 500'000, 0.1, true);
  EXPECT_NEAR(own_loss_.value().value_or(1), 0.1, 0.001);
}

}  // namespace
}  // namespace simpul::bwe
