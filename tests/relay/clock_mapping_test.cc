#include "relay/clock_mapping.h"

#include <gtest/gtest.h>

namespace simpul::relay {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kNoon = uint64_t{3'900'000'000} << 32;

uint64_t after(Duration span) { return kNoon + static_cast<uint64_t>(ntp_span(span)); }

TEST(ClockMapping, TurnsTimestampsIntoTimesAndBack) {
  const ClockMapping mapping{.ntp_time = kNoon, .rtp_timestamp = 0xFFFF'FF00};
  EXPECT_EQ(mapping.ntp_of(0xFFFF'FF00, 90'000), kNoon);
  EXPECT_EQ(mapping.ntp_of(0xFFFF'FF00 + 45'000, 90'000), after(500ms));
  EXPECT_EQ(mapping.ntp_of(0xFFFF'FF00 - 90'000, 90'000), after(-1s));
  EXPECT_EQ(mapping.timestamp_at(after(2s), 90'000), 0xFFFF'FF00 + 180'000);
  EXPECT_EQ(mapping.timestamp_at(after(-1s), 48'000), 0xFFFF'FF00 - 48'000);
}

TEST(ClockMapping, CutsNonsenseInsteadOfOverflowing) {
  const ClockMapping mapping{.ntp_time = 0, .rtp_timestamp = 0};
  EXPECT_EQ(mapping.timestamp_at(uint64_t{1} << 62, kClockRateMax), 3'600'000'000u);
  EXPECT_EQ(ticks_of(Duration::max(), 90'000), 3'600 * 90'000);
}

TEST(WallClock, GoesOnFromWhatItWasTold) {
  const WallClock clock{.at = TimePoint(10s), .ntp = kNoon};
  EXPECT_EQ(clock.ntp_time(TimePoint(13s)), after(3s));
  EXPECT_EQ(clock.ntp_time(TimePoint(9'750ms)), after(-250ms));
}

TEST(ParticipantClock, KeepsItsOffsetWhileReportsOnlyJitter) {
  ParticipantClock clock;
  EXPECT_FALSE(clock.theirs(kNoon));
  clock.observe(after(-100s), after(0s));
  clock.observe(after(-99s), after(1'200ms));
  EXPECT_EQ(clock.theirs(after(2s)), after(-98s));
}

TEST(ParticipantClock, FollowsAClockThatHasGoneAstray) {
  ParticipantClock clock;
  clock.observe(after(-100s), after(0s));
  clock.observe(after(-50s), after(1s));
  EXPECT_EQ(clock.theirs(after(1s)), after(-50s));
  clock.observe(after(-200s), after(2s));
  EXPECT_EQ(clock.theirs(after(2s)), after(-200s));
}

}  // namespace
}  // namespace simpul::relay
