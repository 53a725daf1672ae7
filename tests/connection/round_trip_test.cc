#include "connection/round_trip.h"

#include <gtest/gtest.h>

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

TEST(PeerRoundTrip, IsNothingBeforeItIsMeasured) { EXPECT_FALSE(RoundTrip().value()); }

TEST(PeerRoundTrip, IsSmoothedByOneEighth) {
  RoundTrip round_trip;
  round_trip.add(80ms);
  EXPECT_EQ(round_trip.value(), 80ms);
  round_trip.add(160ms);
  EXPECT_EQ(round_trip.value(), 90ms);
}

TEST(PeerRoundTrip, IsHeldBetweenAMillisecondAndTwoSecondsWhateverAPeerSays) {
  RoundTrip round_trip;
  for (const Duration lie : {Duration(-60s), Duration(0), Duration(1)}) {
    round_trip.add(lie);
    EXPECT_EQ(round_trip.value(), RoundTrip::kMin);
  }
  for (int i = 0; i < 100; ++i) round_trip.add(1h);
  EXPECT_LE(*round_trip.value(), RoundTrip::kMax);
  EXPECT_GE(*round_trip.value(), RoundTrip::kMax - 1ms);
}

TEST(PeerRoundTrip, BeginsWithWhatTheHandshakeTook) {
  RoundTrip round_trip;
  round_trip.begin(70ms);
  EXPECT_EQ(round_trip.value(), 70ms);
  round_trip.begin(Duration(-1s));
  EXPECT_EQ(round_trip.value(), RoundTrip::kMin);
}

TEST(PeerRoundTrip, ForgetsTheHandshakeWhenThereIsAMeasurement) {
  RoundTrip round_trip;
  round_trip.begin(400ms);
  round_trip.add(20ms);
  EXPECT_EQ(round_trip.value(), 20ms);
  round_trip.begin(1s);
  EXPECT_EQ(round_trip.value(), 20ms);
}

}  // namespace
}  // namespace simpul::connection
