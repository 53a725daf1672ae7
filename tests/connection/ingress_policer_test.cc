#include "connection/ingress_policer.h"

#include <gtest/gtest.h>

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

class IngressPolicerTest : public ::testing::Test {
 protected:
  // How many datagrams pass of those that come evenly spaced.
  uint64_t admitted(IngressPolicer& policer, size_t size, uint64_t count, Duration apart) {
    uint64_t passed = 0;
    for (uint64_t i = 0; i < count; ++i, now_ += apart) passed += policer.admit(size, now_);
    return passed;
  }

  TimePoint now_{1h};
};

TEST_F(IngressPolicerTest, TakesEverythingWithinTheRate) {
  IngressPolicer policer(10'000'000);
  // 1,200 bytes each millisecond are 9.8 Mbit/s with their headers.
  EXPECT_EQ(admitted(policer, 1'200, 10'000, 1ms), 10'000u);
}

TEST_F(IngressPolicerTest, HoldsTenTimesTheRateToTheRate) {
  IngressPolicer policer(10'000'000);
  const uint64_t passed = admitted(policer, 1'222, 100'000, 100us);  // ten seconds of 100 Mbit/s
  // And a second's worth at once, in the beginning.
  EXPECT_NEAR(static_cast<double>(passed), 11'000, 20);
}

TEST_F(IngressPolicerTest, ChargesTinyPacketsForTheWorkThatTheyAre) {
  IngressPolicer policer(10'000'000);
  // A million a second of 13 bytes: what passes is 6,250 a second.
  EXPECT_NEAR(static_cast<double>(admitted(policer, 13, 5'000'000, 1us)), 6'250 * 6, 20);
}

TEST_F(IngressPolicerTest, LetsAKeyFramePass) {
  IngressPolicer policer(2'000'000);
  EXPECT_EQ(admitted(policer, 1'200, 150, 0us), 150u);
}

TEST_F(IngressPolicerTest, RecoversAfterAFlood) {
  IngressPolicer policer(1'000'000);
  admitted(policer, 1'200, 10'000, 0us);
  EXPECT_FALSE(policer.admit(1'200, now_));
  now_ += 1s;
  EXPECT_EQ(admitted(policer, 1'000, 20, 20ms), 20u);
}

TEST_F(IngressPolicerTest, HasNoLimitWithoutARate) {
  IngressPolicer policer(0);
  EXPECT_EQ(admitted(policer, 1'500, 100'000, 0us), 100'000u);
}

}  // namespace
}  // namespace simpul::connection
