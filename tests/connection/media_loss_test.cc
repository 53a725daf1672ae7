#include "connection/media_loss.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

class MediaLossTest : public ::testing::Test {
 protected:
  // So many packets, of which each one whose number is a multiple of `lost` is (0: none).
  void report(size_t packets, uint16_t lost) {
    std::vector<bwe::PacketResult> results;
    for (size_t i = 0; i < packets; ++i) {
      ++next_;
      results.push_back({.sent_at = now_, .number = rtp::SequenceNumber(next_)});
      if (lost == 0 || next_ % lost != 0) results.back().arrived_at = 1ms;
    }
    loss_.on_results(results, now_);
    now_ += 100ms;
  }
  // A parity packet that is lost.
  void lose_parity() {
    loss_.on_parity(rtp::SequenceNumber(++next_), now_);
    const bwe::PacketResult result{.sent_at = now_, .number = rtp::SequenceNumber(next_)};
    loss_.on_results(std::span(&result, 1), now_);
  }

  MediaLoss loss_;
  TimePoint now_{10s};
  uint16_t next_ = 65'000;
};

TEST_F(MediaLossTest, IsTheShareOfTheLastSeconds) {
  EXPECT_EQ(loss_.value(), 0);
  for (int i = 0; i < 100; ++i) report(20, 10);
  EXPECT_NEAR(loss_.value(), 0.1, 0.01);
  for (int i = 0; i < 20; ++i) report(20, 0);
  EXPECT_NEAR(loss_.value(), 0.05, 0.01);
  for (int i = 0; i < 200; ++i) report(20, 0);
  EXPECT_NEAR(loss_.value(), 0, 0.001);
}

TEST_F(MediaLossTest, IsNotKnownOfAFewPackets) {
  report(49, 1);
  EXPECT_EQ(loss_.value(), 0);
  report(49, 1);
  EXPECT_EQ(loss_.value(), 1);
}

TEST_F(MediaLossTest, CountsWhatComesLateOnceAndNotAsLost) {
  for (int i = 0; i < 100; ++i) {
    report(20, 10);
    const bwe::PacketResult late{.sent_at = now_, .arrived_at = 1ms, .was_lost = true};
    loss_.on_results(std::array{late, late}, now_);
  }
  EXPECT_NEAR(loss_.value(), 0, 0.005);
}

TEST_F(MediaLossTest, IsTheSameWhateverBecomesOfParityPackets) {
  for (int i = 0; i < 400; ++i) {
    report(20, 50);
    for (int k = 0; k < 6; ++k) lose_parity();
    if (i > 20) {
      ASSERT_NEAR(loss_.value(), 0.02, 0.015) << i;
    }
  }
}

TEST_F(MediaLossTest, TakesANumberForMediaAgainWhenItWasOfAParityPacketLongAgo) {
  lose_parity();
  now_ += bwe::SendHistory::kAge + 1ms;
  --next_;
  for (int i = 0; i < 3; ++i) report(20, 1);
  EXPECT_EQ(loss_.value(), 1);
}

TEST_F(MediaLossTest, KnowsOfNoMoreParityPacketsThanItsLimit) {
  const uint16_t first = next_ + 1;
  for (size_t i = 0; i < MediaLoss::kParitiesMax + 60; ++i) {
    loss_.on_parity(rtp::SequenceNumber(++next_), now_);
  }
  next_ = static_cast<uint16_t>(first - 1);
  report(60, 0);
  EXPECT_EQ(loss_.value(), 0) << "the first sixty count as media again, and came";
  report(100, 1);
  EXPECT_EQ(loss_.value(), 0) << "those behind do not count";
}

}  // namespace
}  // namespace simpul::connection
