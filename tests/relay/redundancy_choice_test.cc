#include "relay/redundancy_choice.h"

#include <gtest/gtest.h>

#include <limits>

namespace simpul::relay {
namespace {

using namespace std::chrono_literals;

// A receiver of 50 packets a second.
class RedundancyChoiceTest : public ::testing::Test {
 protected:
  // What has been chosen after reports of that loss, one each so often.
  size_t after(double loss, Duration time, Duration interval = 1s) {
    for (const TimePoint end = now_ + time; now_ < end;) {
      now_ += interval;
      choice_.on_report({.loss = loss, .packets = static_cast<uint32_t>(interval / 20ms)}, now_);
    }
    return choice_.frames();
  }

  RedundancyChoice choice_;
  TimePoint now_{1s};
};

TEST_F(RedundancyChoiceTest, NothingIsRepeatedForWhoLosesNothing) {
  EXPECT_EQ(after(0, 60s), 0u);
  EXPECT_EQ(after(0.01, 60s), 0u);
}

TEST_F(RedundancyChoiceTest, OneFrameIsRepeatedAfterSomeSecondsOfLittleLoss) {
  after(0, 10s);
  EXPECT_EQ(after(0.03, 20s), 1u);
}

TEST_F(RedundancyChoiceTest, TwoFramesAreRepeatedAtHigherLoss) { EXPECT_EQ(after(0.1, 2s), 2u); }

TEST_F(RedundancyChoiceTest, OneReportInFiveSecondsIsEnough) {
  after(0, 20s, 5s);
  EXPECT_EQ(after(0.1, 5s, 5s), 1u);
  EXPECT_EQ(after(0.1, 15s, 5s), 2u);
}

TEST_F(RedundancyChoiceTest, BetweenTheThresholdsItStaysAsItWas) {
  EXPECT_EQ(after(0.01, 30s), 0u);
  EXPECT_EQ(after(0.06, 30s), 1u);
  EXPECT_EQ(after(0.01, 60s), 1u);
  EXPECT_EQ(after(0.1, 30s), 2u);
  EXPECT_EQ(after(0.05, 60s), 2u);
  EXPECT_EQ(after(0.03, 60s), 1u);
  EXPECT_EQ(after(0.002, 60s), 0u);
  EXPECT_EQ(after(0.01, 60s), 0u);
}

TEST_F(RedundancyChoiceTest, AFewPacketsTellNothing) {
  for (int i = 0; i < 100; ++i) {
    now_ += 1s;
    choice_.on_report({.loss = 0.5, .packets = 2}, now_);
  }
  EXPECT_EQ(choice_.frames(), 0u);
}

TEST_F(RedundancyChoiceTest, ReportsCountByTheirPackets) {
  for (int i = 0; i < 100; ++i) {
    now_ += 500ms;
    choice_.on_report({.loss = 0.5, .packets = 1}, now_);
    choice_.on_report({.loss = 0, .packets = 100}, now_);
  }
  EXPECT_EQ(choice_.frames(), 0u);
  EXPECT_NEAR(choice_.loss(), 0.005, 0.0005);
}

TEST_F(RedundancyChoiceTest, ANarrowPathCarriesFewerFramesOrNone) {
  after(0.2, 10s);
  const auto frames_at = [this](uint64_t path_bps) {
    choice_.set_rates({.sound_bps = 32'000, .headers_bps = 20'000, .path_bps = path_bps});
    return choice_.frames();
  };
  EXPECT_EQ(frames_at(1'000'000), 2u);
  EXPECT_EQ(frames_at(2 * (3 * 32'000 + 20'000)), 2u);
  EXPECT_EQ(frames_at(2 * (3 * 32'000 + 20'000) - 2), 1u);
  EXPECT_EQ(frames_at(2 * (2 * 32'000 + 20'000) - 2), 0u);
  EXPECT_TRUE(choice_.set_rates({.sound_bps = 32'000, .headers_bps = 20'000}));
  EXPECT_EQ(choice_.frames(), 2u) << "what is not known is no hindrance";
}

TEST_F(RedundancyChoiceTest, NumbersBeyondReasonAreHeldToWhatTheyCanMean) {
  for (const double loss : {-1.0, 7.0, 1e308}) {
    choice_.on_report({.loss = loss, .packets = std::numeric_limits<uint32_t>::max()}, now_);
    EXPECT_GE(choice_.loss(), 0);
    EXPECT_LE(choice_.loss(), 1);
  }
  now_ -= 500ms;
  choice_.on_report({.loss = 0, .packets = 100}, now_);
  EXPECT_LE(choice_.loss(), 1);
}

}  // namespace
}  // namespace simpul::relay
