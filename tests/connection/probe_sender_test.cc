#include "connection/probe_sender.h"

#include <gtest/gtest.h>

namespace simpul::connection {
namespace {

using namespace std::chrono_literals;

constexpr bwe::Probe kProbe{.id = bwe::ProbeId(7), .bps = 1'600'000, .bytes = 3'000, .packets = 5};

class ProbeSenderTest : public ::testing::Test {
 protected:
  // Runs until nothing is due any more, with padding in packets of `size`; gives how long it took.
  Duration run(size_t size) {
    const TimePoint began = now_;
    while (sender_.next_deadline() != kNever) {
      now_ = std::max(now_, sender_.next_deadline());
      for (size_t due = sender_.due(now_), left = due; due > 0 && left <= due; left -= size) {
        ids_.push_back(sender_.on_sent(size));
        bytes_ += size;
        if (left <= size) break;
      }
    }
    return now_ - began;
  }

  ProbeSender sender_;
  TimePoint now_{1s};
  std::vector<bwe::ProbeId> ids_;
  size_t bytes_ = 0;
};

TEST_F(ProbeSenderTest, SendsAProbeAtItsRate) {
  sender_.add(kProbe);
  const Duration took = run(200);
  EXPECT_EQ(took, 15ms) << "3,000 bytes at 1.6 Mbit/s";
  EXPECT_GE(bytes_, kProbe.bytes);
  EXPECT_LE(bytes_, kProbe.bytes + 200);
  for (const bwe::ProbeId id : ids_) EXPECT_EQ(id, kProbe.id);
}

TEST_F(ProbeSenderTest, CountsWhatLeavesAnyway) {
  sender_.add(kProbe);
  EXPECT_EQ(sender_.on_sent(1'000), bwe::ProbeId()) << "it has not begun";
  EXPECT_EQ(sender_.due(now_), 1u);
  EXPECT_EQ(sender_.on_sent(1'200), kProbe.id);
  EXPECT_EQ(sender_.next_deadline(), now_ + 6ms) << "the frame was more than the rate";
  now_ += 5ms;
  EXPECT_EQ(sender_.due(now_), 0u);
  now_ += 5ms;
  EXPECT_EQ(sender_.due(now_), 801u);
}

TEST_F(ProbeSenderTest, GoesOnAtItsRateWhenLargePacketsAreTooFew) {
  sender_.add(kProbe);
  run(1'200);
  EXPECT_EQ(ids_.size(), kProbe.packets);
}

TEST_F(ProbeSenderTest, IsOverInTimeHoweverMuchLeavesAnyway) {
  sender_.add(kProbe);
  EXPECT_EQ(sender_.due(now_), 1u);
  const TimePoint end = now_ + ProbeSender::kLengthsMax * 15ms;
  for (; now_ < end; now_ += 1ms) {
    sender_.on_sent(1'200);  // six times its rate
    ASSERT_LE(sender_.next_deadline(), end);
    if (sender_.next_deadline() <= now_) sender_.due(now_);
  }
  EXPECT_EQ(sender_.due(now_), 0u);
  EXPECT_EQ(sender_.next_deadline(), kNever);
  EXPECT_EQ(sender_.on_sent(1'200), bwe::ProbeId());
}

TEST_F(ProbeSenderTest, SendsOneAfterTheOther) {
  sender_.add(kProbe);
  bwe::Probe second = kProbe;
  second.id = bwe::ProbeId(8);
  sender_.add(second);
  run(200);
  EXPECT_EQ(ids_.front(), kProbe.id);
  EXPECT_EQ(ids_.back(), second.id);
  EXPECT_GE(bytes_, kProbe.bytes + second.bytes);
}

TEST_F(ProbeSenderTest, GivesUpWhereThereIsNothingToSend) {
  sender_.add(kProbe);
  while (sender_.next_deadline() != kNever) {
    now_ = std::max(now_, sender_.next_deadline());
    sender_.due(now_);
    ASSERT_LT(now_, TimePoint(2s));
  }
  EXPECT_EQ(sender_.on_sent(100), bwe::ProbeId());
}

TEST_F(ProbeSenderTest, PaddingThatWaitsIsReplacedByThatOfLater) {
  constexpr bwe::Probe kPadding{.id = {}, .bps = 400'000, .bytes = 25'000, .packets = 1};
  sender_.add(kPadding);
  EXPECT_EQ(sender_.due(now_), 1u);
  for (int i = 0; i < 3; ++i) sender_.add(kPadding);
  EXPECT_LE(run(200), 1'020ms) << "what has begun, and one more";
}

TEST_F(ProbeSenderTest, IsForgottenAsAWhole) {
  sender_.add(kProbe);
  sender_.due(now_);
  sender_.on_sent(200);
  sender_.add(kProbe);
  sender_.forget();
  EXPECT_EQ(sender_.next_deadline(), kNever);
  EXPECT_EQ(sender_.on_sent(200), bwe::ProbeId());
}

TEST_F(ProbeSenderTest, TakesNoMoreThanAFew) {
  for (size_t i = 0; i < 2 * ProbeSender::kWaitingMax; ++i) sender_.add(kProbe);
  run(200);
  EXPECT_LE(bytes_, ProbeSender::kWaitingMax * (kProbe.bytes + 200));
}

}  // namespace
}  // namespace simpul::connection
