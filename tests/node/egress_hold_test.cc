#include "node/egress_hold.h"

#include <gtest/gtest.h>

#include <limits>

namespace simpul::node {
namespace {

using namespace std::chrono_literals;

// A publisher's burst takes longer to come than a worker to wake up.
TEST(EgressHold, IsABurstsForAWorkerThatIsMostlyIdle) {
  for (const double busy : {-1.0, 0.0, 0.1, 0.3, 0.499}) {
    EXPECT_EQ(egress_hold(busy), kEgressHoldMin) << busy;
  }
  EXPECT_GE(kEgressHoldMin, 200us);
  EXPECT_LE(kEgressHoldMin, 1ms) << "what is not noticed";
  EXPECT_LE(kEgressHoldMin, egress_hold(0.5));
}

TEST(EgressHold, GrowsWithTheWorkersLoad) {
  for (int percent = 51; percent <= 100; ++percent) {
    EXPECT_GT(egress_hold(percent / 100.0), egress_hold((percent - 1) / 100.0)) << percent;
  }
}

TEST(EgressHold, IsNeverMoreThanThreeMilliseconds) {
  EXPECT_LE(kEgressHoldMax, 3ms);
  EXPECT_GT(egress_hold(1.0), 1ms);
  for (const double busy : {0.5, 0.9, 1.0, 1.5, 1e9, std::numeric_limits<double>::infinity()}) {
    EXPECT_LE(egress_hold(busy), kEgressHoldMax) << busy;
  }
  EXPECT_EQ(egress_hold(std::numeric_limits<double>::quiet_NaN()), kEgressHoldMin);
}

}  // namespace
}  // namespace simpul::node
