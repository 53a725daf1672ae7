#include "bwe/report_silence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bwe/estimator.h"
#include "tests/bwe/reports.h"

namespace simpul::bwe {
namespace {

using testing::Arrivals;
using testing::FeedbackMessage;
using namespace std::chrono_literals;

const TimePoint kStart{1h};

// A packet each 20 ms; the receiver speaks of the last one.
class ReportSilenceTest : public ::testing::Test {
 protected:
  void send(Duration duration, bool reports) {
    for (const TimePoint end = now_ + duration; now_ < end; now_ += 20ms) {
      silence_.on_sent(now_);
      if (reports) silence_.on_report(now_);
    }
  }
  bool lasts() const { return silence_.lasts(now_); }

  TimePoint now_ = kStart;
  ReportSilence silence_;
};

TEST_F(ReportSilenceTest, BeginsWhereReportsEndAndPacketsDoNot) {
  send(5s, true);
  send(ReportSilence::kAfter, false);
  EXPECT_FALSE(lasts());
  send(40ms, false);
  EXPECT_TRUE(lasts());
  send(60s, false);
  EXPECT_TRUE(lasts());
  silence_.on_report(now_);
  EXPECT_FALSE(lasts());
}

TEST_F(ReportSilenceTest, IsNotOfWhoTellsAnEstimateThatIsLostTwice) {
  silence_.on_report(now_, ReportSilence::kAfterOwn);
  send(ReportSilence::kAfterOwn, false);
  EXPECT_FALSE(lasts());
  send(40ms, false);
  EXPECT_TRUE(lasts());
}

TEST_F(ReportSilenceTest, IsNotOfWhoNeverReported) {
  send(60s, false);
  EXPECT_FALSE(lasts());
  EXPECT_EQ(silence_.next_look(), kNever);
}

TEST_F(ReportSilenceTest, IsNotOfWhoIsSentNothing) {
  send(5s, true);
  send(ReportSilence::kAfter / 2, false);
  now_ += 10s;
  EXPECT_FALSE(lasts());
  send(ReportSilence::kAfter, false);
  EXPECT_FALSE(lasts()) << "what was sent before the pause counts no more";
  send(40ms, false);
  EXPECT_TRUE(lasts());
}

TEST_F(ReportSilenceTest, IsNotOfWhoReportsRarely) {
  for (int i = 0; i < 4; ++i) {
    for (const Duration interval : {3s, 2s, 4s}) {
      send(interval, false);
      if (i > 0) {
        EXPECT_FALSE(lasts()) << i << ": that is known by then";
      }
      silence_.on_report(now_);
    }
  }
  send(ReportSilence::kAfterMax, false);
  EXPECT_FALSE(lasts());
  send(40ms, false);
  EXPECT_TRUE(lasts());
}

TEST_F(ReportSilenceTest, IsFoundAsSoonAgainAfterThePathWasAway) {
  send(5s, true);
  send(30s, false);
  send(5s, true);
  send(ReportSilence::kAfter + 40ms, false);
  EXPECT_TRUE(lasts());
}

TEST_F(ReportSilenceTest, IsFoundWherePacketsAreFew) {
  send(5s, true);
  for (int i = 0; i < 5; ++i, now_ += ReportSilence::kPause) silence_.on_sent(now_);
  EXPECT_TRUE(lasts());
}

TEST_F(ReportSilenceTest, IsForgottenWhereNothingLeavesForLong) {
  send(5s, true);
  send(2s, false);
  now_ += ReportSilence::kPause + 100ms;
  silence_.on_sent(now_);
  EXPECT_TRUE(lasts()) << "a pause alone does not end it";
  now_ += ReportSilence::kForgottenAfter;
  EXPECT_TRUE(lasts());
  now_ += 1ms;
  EXPECT_FALSE(lasts());
}

// With the estimator, which is told of packets of 500 bytes each 10 ms and reports each 50 ms.
class SilentReceiver : public ::testing::Test {
 protected:
  void run(Duration duration, bool reports) {
    for (const TimePoint end = now_ + duration; now_ < end;) {
      for (int i = 0; i < 5; ++i, now_ += 10ms) {
        estimator_.on_sent(rtp::SequenceNumber(next_++), 500, now_);
      }
      if (estimator_.next_deadline() <= now_) estimator_.advance(now_, probes_);
      if (reports) report();
    }
  }
  void report() {
    Arrivals arrivals;
    for (int i = 5; i > 0; --i) arrivals.push_back(now_ - kStart - i * 10ms + 20ms);
    const FeedbackMessage message(static_cast<uint16_t>(next_ - 5), arrivals);
    ASSERT_TRUE(estimator_.on_feedback(message.get(), now_, probes_));
  }
  double allowed() const { return estimator_.allowed_bps(now_); }

  TimePoint now_ = kStart;
  uint16_t next_ = 0;
  Estimator estimator_{EstimatorConfig{}};
  std::vector<Probe> probes_;
};

TEST_F(SilentReceiver, MayBeSentTheLeastWithinTwoSecondsAndAllAgainAtItsFirstReport) {
  run(10s, true);
  const double before = allowed();
  EXPECT_GT(before, 400'000);
  run(2s, false);
  EXPECT_EQ(allowed(), EstimatorConfig{}.min_bps);
  EXPECT_TRUE(estimator_.knows_path(now_));
  run(60s, false);
  EXPECT_EQ(allowed(), EstimatorConfig{}.min_bps);
  run(50ms, true);
  EXPECT_GE(allowed(), 0.95 * before);
}

TEST_F(SilentReceiver, IsNotProbed) {
  run(10s, true);
  estimator_.advance(now_, probes_);
  ASSERT_FALSE(probes_.empty());
  run(2s, false);
  probes_.clear();
  run(30s, false);
  EXPECT_TRUE(probes_.empty());
}

TEST_F(SilentReceiver, IsRemindedWhereThereIsNothingElseToSend) {
  estimator_.advance(now_, probes_);
  run(10s, true);
  run(2s, false);
  probes_.clear();
  for (int i = 0; i < 40; ++i) {
    now_ += 100ms;
    if (estimator_.next_deadline() <= now_) estimator_.advance(now_, probes_);
  }
  ASSERT_THAT(probes_.size(), ::testing::AllOf(::testing::Ge(6u), ::testing::Le(8u)));
  EXPECT_EQ(probes_[0].packets, 1u);
  EXPECT_EQ(probes_[0].id, ProbeId());
}

// Whoever only tells an estimate of its own does so when something comes.
TEST_F(SilentReceiver, IsRemindedWhereItOnlyTellsItsEstimate) {
  Estimator own{EstimatorConfig{.may_probe = false, .may_fill = true}};
  const auto send = [&](Duration duration) {
    for (const TimePoint end = now_ + duration; now_ < end; now_ += 10ms) {
      own.on_sent_unnumbered(500, now_);
      if (own.next_deadline() <= now_) own.advance(now_, probes_);
    }
  };
  send(3s);
  own.on_remb(200'000, now_);
  send(ReportSilence::kAfterOwn + 500ms);
  ASSERT_TRUE(own.is_silent(now_));
  probes_.clear();
  for (int i = 0; i < 40; ++i) {
    now_ += 100ms;
    if (own.next_deadline() <= now_) own.advance(now_, probes_);
  }
  EXPECT_GE(probes_.size(), 6u);
}

TEST_F(SilentReceiver, IsOneWhoSpeaksOfNothingThatWasSent) {
  run(10s, true);
  for (int i = 0; i < 20; ++i) {
    run(100ms, false);
    const FeedbackMessage message(static_cast<uint16_t>(next_ + 1'000), {1ms, 2ms});
    ASSERT_TRUE(estimator_.on_feedback(message.get(), now_, probes_));
  }
  EXPECT_TRUE(estimator_.is_silent(now_));
}

}  // namespace
}  // namespace simpul::bwe
