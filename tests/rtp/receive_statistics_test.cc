#include "rtp/receive_statistics.h"

#include <gtest/gtest.h>

#include "rtp/ntp_time.h"

namespace simpul::rtp {
namespace {

using namespace std::chrono_literals;

class ReceiveStatisticsTest : public ::testing::Test {
 protected:
  // Numbers from `first` to `last`, 20 ms and 1,800 ticks apart, as sent without jitter.
  void receive(int first, int last) {
    for (int number = first; number <= last; ++number) receive_one(number);
  }
  void receive_one(int number) {
    now_ += 20ms;
    timestamp_ += 1800;
    statistics_.on_packet(SequenceNumber(static_cast<uint16_t>(number)), timestamp_, 100, now_);
  }
  ReportBlock report() { return statistics_.make_report(now_).value(); }

  TimePoint now_{};
  uint32_t timestamp_ = 0xffff0000;  // wraps during the tests
  ReceiveStatistics statistics_{Ssrc(5), 90'000};
};

TEST_F(ReceiveStatisticsTest, ReportsNothingBeforeTheFirstPacket) {
  EXPECT_FALSE(statistics_.make_report(now_));
  EXPECT_EQ(statistics_.packets(), 0u);
}

TEST_F(ReceiveStatisticsTest, CountsALosslessStream) {
  receive(1, 100);
  const auto block = report();
  EXPECT_EQ(block.ssrc, Ssrc(5));
  EXPECT_EQ(block.extended_highest, 100u);
  EXPECT_EQ(block.cumulative_lost, 0);
  EXPECT_EQ(block.fraction_lost, 0);
  EXPECT_EQ(block.jitter, 0u);
  EXPECT_EQ(statistics_.packets(), 100u);
  EXPECT_EQ(statistics_.bytes(), 10'000u);
}

TEST_F(ReceiveStatisticsTest, TellsTheLossOfTheIntervalAndTheSum) {
  receive(1, 75);
  receive(101, 100);
  receive(101, 101);  // 25 of 101 lost
  EXPECT_EQ(report().fraction_lost, 25 * 256 / 101);
  EXPECT_NEAR(statistics_.loss(), 25.0 / 101, 1.0 / 256);
  receive(102, 200);
  const auto block = report();
  EXPECT_EQ(block.fraction_lost, 0);
  EXPECT_EQ(block.cumulative_lost, 25);
}

TEST_F(ReceiveStatisticsTest, CountsOnAcrossTheWrap) {
  receive(65'530, 65'535);
  receive(0, 9);
  EXPECT_EQ(report().extended_highest, 0x10009u);
  EXPECT_EQ(report().cumulative_lost, 0);
}

TEST_F(ReceiveStatisticsTest, TakesReorderedPacketsAsReceived) {
  for (const int number : {10, 12, 11, 14, 13}) receive_one(number);
  EXPECT_EQ(report().extended_highest, 14u);
  EXPECT_EQ(report().cumulative_lost, 0);
}

TEST_F(ReceiveStatisticsTest, LetsDuplicatesMakeTheLossNegative) {
  for (const int number : {1, 1, 1, 2}) receive_one(number);
  EXPECT_EQ(report().cumulative_lost, -2);
  EXPECT_EQ(report().fraction_lost, 0);
}

TEST_F(ReceiveStatisticsTest, SaysNothingLostWhenNothingWasExpected) {
  receive(1, 10);
  report();
  EXPECT_EQ(report().fraction_lost, 0);
}

TEST_F(ReceiveStatisticsTest, IgnoresOneStrayNumberAndFollowsTwoInSequence) {
  receive(1, 10);
  receive_one(40'000);
  EXPECT_EQ(report().extended_highest, 10u);
  receive(11, 12);
  EXPECT_EQ(report().cumulative_lost, 0);
  receive(40'000, 40'010);
  const auto block = report();
  EXPECT_EQ(block.extended_highest, 40'010u);
  EXPECT_EQ(block.cumulative_lost, 0);
  EXPECT_EQ(statistics_.packets(), 24u);
}

// RFC 3550 A.8, done by hand: J += (|D| - J) / 16.
TEST_F(ReceiveStatisticsTest, FollowsTheJitterOfTheRfc) {
  receive(1, 2);
  now_ += 16ms;  // 1,440 ticks late
  receive_one(3);
  EXPECT_EQ(statistics_.jitter(), 1440u / 16);
  receive_one(4);
  EXPECT_EQ(statistics_.jitter(), 90u - 90u / 16 - 1);
}

TEST_F(ReceiveStatisticsTest, TakesAStepOfTheTimestampsForNoJitter) {
  receive(1, 2);
  timestamp_ += 90'000 * 3600u;
  receive(3, 5);
  EXPECT_EQ(statistics_.jitter(), 0u);
}

TEST_F(ReceiveStatisticsTest, SaysWhenTheLastSenderReportCame) {
  receive(1, 1);
  EXPECT_EQ(report().last_sender_report, 0u);
  EXPECT_EQ(report().delay_since_last_sender_report, 0u);
  statistics_.on_sender_report(0x0123456789abcdef, now_);
  now_ += 1500ms;
  const auto block = report();
  EXPECT_EQ(block.last_sender_report, 0x456789abu);
  EXPECT_EQ(block.delay_since_last_sender_report, 0x18000u);
}

TEST_F(ReceiveStatisticsTest, ClampsTheLossToTwentyFourBits) {
  // Each jump within the limit of one numbering loses 2,999.
  for (int64_t number = 0; number < 3000 * 3000; number += 3000) {
    receive_one(static_cast<int>(number & 0xffff));
  }
  EXPECT_EQ(report().cumulative_lost, 0x7fffff);
}

TEST_F(ReceiveStatisticsTest, MeasuresTheRateOfTheLastSecond) {
  receive(1, 100);
  EXPECT_NEAR(static_cast<double>(statistics_.bits_per_second(now_)), 40'000, 2000);
}

TEST(NtpTime, GivesTheMiddleOfATimestamp) {
  EXPECT_EQ(compact_ntp(0x0123456789abcdef), 0x456789abu);
}

TEST(NtpTime, CountsFromTheOffsetInFractionsOfASecond) {
  const NtpClock clock(kNtpToUnix);
  EXPECT_EQ(clock.ntp_time(TimePoint{}), uint64_t{2'208'988'800} << 32);
  EXPECT_EQ(clock.ntp_time(TimePoint{500ms}), (uint64_t{2'208'988'800} << 32) + 0x80000000);
  EXPECT_EQ(clock.ntp_time(TimePoint{999'999us}) >> 32, 2'208'988'800u);
}

TEST(NtpTime, TurnsSpansIntoCompactOnesAndBack) {
  EXPECT_EQ(to_compact(1s), 0x10000u);
  EXPECT_EQ(to_compact(-1s), 0u);
  EXPECT_EQ(to_compact(24h), 0xffffffffu);
  EXPECT_EQ(from_compact(0x18000), 1500ms);
}

TEST(RoundTrip, IsNowMinusReportMinusDelay) {
  EXPECT_EQ(round_trip(0x00050000, 0x00030000, 0x00018000), 500ms);
  EXPECT_EQ(round_trip(0x00000000, 0xffff0000, 0x00008000), 500ms);  // across the wrap
  EXPECT_EQ(round_trip(100, 100, 0), 0ms);
}

TEST(RoundTrip, NeedsASenderReport) { EXPECT_FALSE(round_trip(0x10000, 0, 0)); }

TEST(RoundTrip, IsClampedToItsRange) {
  EXPECT_EQ(round_trip(0x00050000, 0x00010000, 0), kRoundTripMax);
  EXPECT_EQ(round_trip(0x00010000, 0x00010000, 0x8000), 0ms);  // the other clock runs fast
}

TEST(RoundTrip, RefusesNonsense) {
  EXPECT_FALSE(round_trip(0x003c0001, 1, 0));                    // a minute
  EXPECT_FALSE(round_trip(0x00010000, 0x00010000, 0x003c0000));  // a minute before it was sent
  EXPECT_FALSE(round_trip(0x80000001, 1, 0));
}

class RateMeterTest : public ::testing::Test {
 protected:
  void add_for(Duration span, size_t bytes_each_ms) {
    for (const TimePoint end = now_ + span; now_ < end; now_ += 1ms)
      meter_.add(bytes_each_ms, now_);
  }
  double rate() const { return static_cast<double>(meter_.bits_per_second(now_)); }

  TimePoint now_{12'345'678us};
  RateMeter meter_;
};

TEST_F(RateMeterTest, IsZeroBeforeTheFirstByte) { EXPECT_EQ(rate(), 0); }

TEST_F(RateMeterTest, MeasuresASteadyRateFromTheStart) {
  add_for(300ms, 125);
  EXPECT_NEAR(rate(), 1'000'000, 1000);
  for (int i = 0; i < 50; ++i) {
    add_for(77ms, 125);
    EXPECT_NEAR(rate(), 1'000'000, 2000) << i;
  }
}

TEST_F(RateMeterTest, FollowsAChangeWithinASecond) {
  add_for(2s, 125);
  add_for(1s, 1250);
  EXPECT_NEAR(rate(), 10'000'000, 20'000);
}

TEST_F(RateMeterTest, FallsToZeroAfterASecondOfSilence) {
  add_for(2s, 125);
  now_ += 500ms;
  EXPECT_LT(rate(), 600'000);
  EXPECT_GT(rate(), 300'000);
  now_ += 700ms;
  EXPECT_EQ(rate(), 0);
  now_ += 100h;
  EXPECT_EQ(rate(), 0);
  meter_.add(12'500, now_);
  EXPECT_NEAR(rate(), 1'000'000, 1);
}

TEST_F(RateMeterTest, WorksBeforeTheZeroOfTheClock) {
  now_ = TimePoint{-700ms};
  add_for(1500ms, 125);
  EXPECT_NEAR(rate(), 1'000'000, 2000);
}

TEST_F(RateMeterTest, CountsWhatComesFromThePast) {
  meter_.add(1000, now_);
  meter_.add(1000, now_ - 5s);
  EXPECT_EQ(rate(), 2000 * 8 * 10);
}

}  // namespace
}  // namespace simpul::rtp
