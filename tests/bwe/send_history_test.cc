#include "bwe/send_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bwe/reports.h"

namespace simpul::bwe {
namespace {

using testing::Arrivals;
using testing::FeedbackMessage;
using namespace std::chrono_literals;

const TimePoint kStart{1h};

class SendHistoryTest : public ::testing::Test {
 protected:
  void send(uint16_t number, size_t size = 1'000, ProbeId probe = {}) {
    history_.on_sent(rtp::SequenceNumber(number), size, probe, now_);
    now_ += 10ms;
  }
  std::vector<PacketResult> report(uint16_t base, const Arrivals& arrivals) {
    std::vector<PacketResult> results;
    const FeedbackMessage message(base, arrivals);
    EXPECT_TRUE(history_.on_feedback(message.get(), now_, results));
    return results;
  }

  TimePoint now_ = kStart;
  SendHistory history_;
};

TEST_F(SendHistoryTest, MatchesWhatIsReportedWithWhatWasSent) {
  send(7, 1'000);
  send(8, 1'100, ProbeId(3));
  send(9, 1'200);
  const auto results = report(7, {5ms, kNever - TimePoint{}, 8ms});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results[0].sent_at, kStart);
  EXPECT_EQ(results[0].size, 1'000u);
  EXPECT_TRUE(results[0].arrived_at);
  EXPECT_FALSE(results[1].arrived_at);
  EXPECT_EQ(results[1].probe, ProbeId(3));
  ASSERT_TRUE(results[2].arrived_at);
  EXPECT_EQ(*results[2].arrived_at - *results[0].arrived_at, 3ms);
}

TEST_F(SendHistoryTest, IgnoresWhatWasNeverSent) {
  EXPECT_TRUE(report(100, {1ms}).empty());
  send(100);
  EXPECT_TRUE(report(101, {1ms, 2ms}).empty());
  EXPECT_EQ(report(100, {1ms, 2ms, 3ms}).size(), 1u);
}

TEST_F(SendHistoryTest, CountsAPacketOnlyOnce) {
  send(1);
  EXPECT_EQ(report(1, {1ms}).size(), 1u);
  EXPECT_TRUE(report(1, {1ms}).empty());
}

TEST_F(SendHistoryTest, TakesALostPacketThatComesLater) {
  send(1);
  send(2);
  const auto first = report(1, {kNever - TimePoint{}, 2ms});
  ASSERT_EQ(first.size(), 2u);
  EXPECT_FALSE(first[0].was_lost || first[1].was_lost);
  const auto results = report(1, {9ms});
  ASSERT_EQ(results.size(), 1u);
  EXPECT_TRUE(results[0].arrived_at);
  EXPECT_TRUE(results[0].was_lost);
}

TEST_F(SendHistoryTest, MatchesReportsInAnyOrder) {
  constexpr Duration kPeriod = 65'536s;
  for (uint16_t number = 65'534; number != 3; ++number) send(number);
  const auto report = [&](std::vector<NumberReport> reports) {
    std::vector<PacketResult> results;
    history_.on_reports(reports, kPeriod, now_, results);
    return results;
  };
  const rtp::SequenceNumber first(65'534);
  const rtp::SequenceNumber second(65'535);
  const rtp::SequenceNumber third(0);
  auto results = report({{third, 2ms}, {first, kPeriod - 3ms}, {second, {}}, {third, 9ms}});
  ASSERT_EQ(results.size(), 3u) << "and each once";
  EXPECT_EQ(results[0].sent_at, kStart);
  EXPECT_FALSE(results[1].arrived_at);
  EXPECT_EQ(*results[2].arrived_at - *results[0].arrived_at, 5ms) << "the clock wrapped";
  EXPECT_FALSE(history_.missed_report());
  results = report({{rtp::SequenceNumber(2), 4ms}, {second, 3ms}, {second, {}}});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_TRUE(results[0].arrived_at) << "lost, but it came later";
  EXPECT_TRUE(report({{rtp::SequenceNumber(500), 1ms}}).empty()) << "never sent";
  EXPECT_FALSE(history_.missed_report()) << "all that was sent was spoken of";
}

TEST_F(SendHistoryTest, CountsWhatIsSaidToHaveComeThoughItWasLeftOut) {
  for (const uint16_t number : std::initializer_list<uint16_t>{65'534, 65'535, 1, 2}) send(number);
  EXPECT_EQ(report(65'534, {1ms, 2ms, kNever - TimePoint{}, 3ms}).size(), 3u);
  EXPECT_EQ(history_.false_reports(), 0u) << "to an honest receiver it was lost";
  EXPECT_EQ(report(2, {4ms, 5ms, 6ms}).size(), 1u);
  EXPECT_EQ(history_.false_reports(), 0u) << "of what is yet to come nothing is known";
  EXPECT_TRUE(report(65'535, {1ms, 2ms, 3ms}).empty());
  EXPECT_EQ(history_.false_reports(), 1u);
  EXPECT_TRUE(report(65'535, {1ms, 2ms, 3ms}).empty());
  EXPECT_EQ(history_.false_reports(), 1u) << "each once";
}

TEST_F(SendHistoryTest, GoesOnAcrossTheWrapOfTheNumbers) {
  send(65'535);
  send(0);
  EXPECT_EQ(report(65'535, {1ms, 2ms}).size(), 2u);
}

TEST_F(SendHistoryTest, ForgetsWhatIsTooOld) {
  send(1);
  now_ += SendHistory::kAge;
  EXPECT_TRUE(report(1, {1ms}).empty());
}

TEST_F(SendHistoryTest, KeepsAtMostSoManyPackets) {
  constexpr uint16_t kSent = SendHistory::kSizeMax + 100;
  for (uint16_t number = 0; number < kSent; ++number) {
    history_.on_sent(rtp::SequenceNumber(number), 100, {}, now_);
  }
  EXPECT_TRUE(report(99, {1ms}).empty());
  EXPECT_EQ(report(100, {1ms}).size(), 1u);
  EXPECT_EQ(report(kSent - 1, {1ms}).size(), 1u);
}

TEST_F(SendHistoryTest, RemembersTwoSecondsOfAFastSender) {
  for (uint16_t number = 0; number < 2'000; ++number) {
    history_.on_sent(rtp::SequenceNumber(number), 100, {}, now_);
    now_ += 900us;
  }
  EXPECT_EQ(report(0, {1ms}).size(), 1u);
}

TEST_F(SendHistoryTest, DoesNotGrowForNumbersThatWereLeftOut) {
  for (uint16_t number = 0; number < 2'000; ++number) {
    if (number % 100 == 99) continue;
    history_.on_sent(rtp::SequenceNumber(number), 100, {}, now_);
    now_ += 900us;
    EXPECT_EQ(report(number, {1ms}).size(), 1u);
  }
  EXPECT_EQ(history_.size(), SendHistory::kSizeMin);
}

TEST_F(SendHistoryTest, MissesNoReportOfANumberThatWasLeftOut) {
  for (const uint16_t number : std::initializer_list<uint16_t>{1, 2, 4, 5, 6}) send(number);
  const auto report = [&](uint16_t number) {
    std::vector<NumberReport> reports{{rtp::SequenceNumber(number), 5ms}};
    std::vector<PacketResult> results;
    history_.on_reports(reports, 65'536s, now_, results);
    return history_.missed_report();
  };
  EXPECT_FALSE(report(1));
  EXPECT_FALSE(report(2));
  EXPECT_FALSE(report(4));
  EXPECT_TRUE(report(6));
  EXPECT_FALSE(report(5)) << "it came late";
}

TEST_F(SendHistoryTest, SeesThatAReportWasLost) {
  for (uint16_t number = 0; number < 6; ++number) send(number);
  report(0, {1ms, 2ms});
  EXPECT_FALSE(history_.missed_report());
  report(4, {6ms});
  EXPECT_TRUE(history_.missed_report());
  report(5, {7ms});
  EXPECT_FALSE(history_.missed_report());
}

TEST_F(SendHistoryTest, TakesWhatItKeepsOfAReportThatBeginsLongBefore) {
  for (uint16_t number = 0; number < 600; ++number) {
    history_.on_sent(rtp::SequenceNumber(number), 100, {}, now_);
    now_ += 10ms;
  }
  EXPECT_TRUE(report(0, Arrivals(300, 1ms)).empty());
  // Of the last two seconds there are 200, the newest of which was sent just now.
  EXPECT_EQ(report(0, Arrivals(600, 1ms)).size(), 199u);
}

TEST_F(SendHistoryTest, RefusesAMessageThatIsNotWellFormed) {
  send(1);
  std::vector<PacketResult> results;
  const std::array<uint8_t, 2> chunk = {0x20, 0x01};  // one received, and no delta
  EXPECT_FALSE(history_.on_feedback({.sender = rtp::Ssrc(1),
                                     .media = rtp::Ssrc(2),
                                     .base = rtp::SequenceNumber(1),
                                     .status_count = 1,
                                     .body = chunk},
                                    now_, results));
  EXPECT_TRUE(results.empty());
}

}  // namespace
}  // namespace simpul::bwe
