#include "connection/round_trip.h"

#include <gtest/gtest.h>

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

constexpr TimePoint kStart{1h};

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

TEST(PeerRoundTrip, BeginsWithTheAnswerToAFlight) {
  RoundTrip round_trip;
  round_trip.on_flight_received(kStart);  // the first hello answers nothing
  EXPECT_FALSE(round_trip.value());
  round_trip.on_flight_sent(kStart);
  round_trip.on_flight_received(kStart + 70ms);
  EXPECT_EQ(round_trip.value(), 70ms);
  // The rest of that flight comes at once, and tells nothing.
  round_trip.on_flight_received(kStart + 71ms);
  EXPECT_EQ(round_trip.value(), 70ms);
}

TEST(PeerRoundTrip, IsNotTakenFromAFlightThatWasRepeated) {
  RoundTrip round_trip;
  round_trip.on_flight_sent(kStart);
  round_trip.on_flight_sent(kStart + 50ms);
  round_trip.on_flight_received(kStart + 60ms);
  EXPECT_FALSE(round_trip.value());
  round_trip.on_flight_sent(kStart + 60ms);
  round_trip.on_flight_received(kStart + 90ms);
  EXPECT_EQ(round_trip.value(), 30ms);
}

TEST(PeerRoundTrip, ForgetsTheHandshakeWhenThereIsAMeasurement) {
  RoundTrip round_trip;
  round_trip.on_flight_sent(kStart);
  round_trip.on_flight_received(kStart + 400ms);
  round_trip.add(20ms);
  EXPECT_EQ(round_trip.value(), 20ms);
  round_trip.on_flight_sent(kStart + 1s);
  round_trip.on_flight_received(kStart + 2s);
  EXPECT_EQ(round_trip.value(), 20ms);
}

}  // namespace
}  // namespace simpul::connection
