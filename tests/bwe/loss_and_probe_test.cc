#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "bwe/loss_estimator.h"
#include "bwe/probe_planner.h"
#include "bwe/probe_results.h"

namespace simpul::bwe {
namespace {

using namespace std::chrono_literals;

const TimePoint kStart{1h};

class LossEstimatorTest : public ::testing::Test {
 protected:
  // Reports each 100 ms about a sender of `bps`, of which what exceeds `capacity` and a share of
  // the rest is lost.
  void run(Duration duration, double bps, double capacity, double random_loss) {
    const TimePoint end = now_ + duration;
    std::uniform_real_distribution<> chance(0, 1);
    while (now_ < end) {
      std::vector<PacketResult> results;
      const int count = static_cast<int>(bps / 8 / 1'000 / 10);
      const double excess = std::max(0.0, 1 - capacity / bps);
      for (int i = 0; i < count; ++i) {
        const bool lost = chance(random_) < excess + (1 - excess) * random_loss;
        results.push_back({.sent_at = now_ + i * 100ms / count,
                           .arrived_at = lost ? std::nullopt : std::optional(Duration(1s)),
                           .size = 1'000});
      }
      now_ += 100ms;
      estimator_.add(results);
      estimator_.update({.delay_bps = kDelayBps,
                         .acknowledged_bps = std::min(bps, capacity) * (1 - random_loss),
                         .is_application_limited = bps < 0.5 * estimator_.limit_bps().value_or(0)},
                        now_);
    }
  }

  static constexpr double kDelayBps = 2'000'000;
  std::mt19937 random_{1};
  TimePoint now_ = kStart;
  LossEstimator estimator_;
};

TEST_F(LossEstimatorTest, SaysNothingBeforeThereIsEnough) {
  run(200ms, 1'000'000, 2'000'000, 0);
  EXPECT_FALSE(estimator_.limit_bps());
}

TEST_F(LossEstimatorTest, IsNoLimitWithoutLoss) {
  run(10s, 2'000'000, 3'000'000, 0);
  EXPECT_EQ(estimator_.limit_bps(), kDelayBps);
}

TEST_F(LossEstimatorTest, KeepsTheRateUnderRandomLoss) {
  run(20s, 1'900'000, 3'000'000, 0.05);
  EXPECT_GE(*estimator_.limit_bps(), 0.8 * kDelayBps);
  EXPECT_NEAR(estimator_.average_loss(), 0.05, 0.02);
}

// A tenth of all packets is reported lost, and comes before the next report.
TEST_F(LossEstimatorTest, CountsWhatComesAfterItWasReportedLostNeitherTwiceNorAsLost) {
  std::vector<PacketResult> late;
  for (int report = 0; report < 200; ++report, now_ += 50ms) {
    std::vector<PacketResult> results = std::exchange(late, {});
    for (int i = 0; i < 10; ++i) {
      PacketResult& result = results.emplace_back();
      result = {.sent_at = now_ + i * 5ms, .arrived_at = Duration(1s), .size = 1'000};
      if (i > 0) continue;
      late.push_back(result);
      late.back().was_lost = true;
      result.arrived_at.reset();
    }
    estimator_.add(results);
    estimator_.update({.delay_bps = kDelayBps, .acknowledged_bps = 1'600'000}, now_);
  }
  EXPECT_LE(estimator_.average_loss(), 0.04) << "but for the last packets of an observation";
}

TEST_F(LossEstimatorTest, FallsToWhatAPathCarriesThatDropsTheRest) {
  run(20s, 2'000'000, 1'000'000, 0);
  EXPECT_LE(*estimator_.limit_bps(), 1'100'000);
}

TEST_F(LossEstimatorTest, ComesBackWhenTheLossIsOver) {
  run(20s, 2'000'000, 1'000'000, 0);
  run(60s, 1'900'000, 3'000'000, 0);
  EXPECT_GE(*estimator_.limit_bps(), 0.9 * kDelayBps);
}

TEST_F(LossEstimatorTest, NeverGoesBelowWhatArrives) {
  run(20s, 1'900'000, 3'000'000, 0.3);
  EXPECT_GE(*estimator_.limit_bps(), 1'900'000 * 0.7);
}

TEST_F(LossEstimatorTest, KeepsTheRateUnderHeavyLossThatWasThereWhenLessWasSent) {
  run(5s, 600'000, 3'000'000, 0.2);
  run(20s, 1'900'000, 3'000'000, 0.2);
  EXPECT_GE(*estimator_.limit_bps(), 0.9 * kDelayBps);
  EXPECT_NEAR(estimator_.own_loss(), 0.2, 0.05);
}

TEST_F(LossEstimatorTest, FindsOutByFallingThatALossIsNotForWantOfBandwidth) {
  run(10s, 1'900'000, 3'000'000, 0);
  for (int step = 0; step < 60; ++step) {
    run(500ms, estimator_.limit_bps().value_or(kDelayBps), 3'000'000, 0.2);
  }
  EXPECT_GE(*estimator_.limit_bps(), 0.9 * kDelayBps);
}

TEST_F(LossEstimatorTest, DoesNotSinkWhileLittleIsSent) {
  run(10s, 1'900'000, 3'000'000, 0.1);
  run(60s, 240'000, 3'000'000, 0.1);
  EXPECT_GE(*estimator_.limit_bps(), 0.9 * kDelayBps);
}

TEST_F(LossEstimatorTest, TakesNoLossForThePathsOwnThatGrowsWithTheRate) {
  run(5s, 600'000, 1'000'000, 0);
  run(20s, 1'500'000, 1'000'000, 0);
  EXPECT_EQ(estimator_.own_loss(), 0);
  EXPECT_LE(*estimator_.limit_bps(), 1'100'000);
}

TEST_F(LossEstimatorTest, RisesSoonAfterOneLongFall) {
  // One fall of many observations makes one short hold.
  const auto follow = [&](double capacity) {
    run(500ms, estimator_.limit_bps().value_or(kDelayBps), capacity, 0);
  };
  for (double capacity = 1'800'000; capacity > 600'000; capacity *= 0.93) follow(capacity);
  const double fallen = *estimator_.limit_bps();
  EXPECT_LE(fallen, 1'000'000);
  for (int step = 0; step < 20; ++step) follow(3'000'000);
  EXPECT_GE(*estimator_.limit_bps(), 1.5 * fallen);
}

class ProbeResultsTest : public ::testing::Test {
 protected:
  // The packets of a probe of ten, that leave each millisecond and arrive each `distance`.
  std::optional<double> probe(Duration distance, int received) {
    results_.on_planned(ProbeId(1), 10'000, 10);
    std::optional<double> bps;
    for (int i = 0; i < received; ++i) {
      bps = results_.add({.sent_at = kStart + i * 1ms,
                          .arrived_at = 50ms + i * distance,
                          .size = 1'000,
                          .probe = ProbeId(1)},
                         losses_);
    }
    return bps;
  }
  ProbeResults results_;
  ProbeResults::Losses losses_;
};

TEST_F(ProbeResultsTest, FindsTheRateThatArrived) { EXPECT_NEAR(*probe(1ms, 10), 8'000'000, 1); }

TEST_F(ProbeResultsTest, StaysALittleBelowAPathThatIsFull) {
  EXPECT_NEAR(*probe(2ms, 10), 0.95 * 4'000'000, 1);
}

TEST_F(ProbeResultsTest, SaysNothingWhereTooMuchIsMissing) { EXPECT_FALSE(probe(1ms, 7)); }

TEST_F(ProbeResultsTest, MissesNothingThatIsLostAnyway) {
  losses_.present = 0.2;
  EXPECT_NEAR(*probe(1ms, 7), 8'000'000, 1);
}

TEST_F(ProbeResultsTest, CountsWhatThePathLosesByItself) {
  losses_ = {.own = 0.2, .present = 0.2};
  EXPECT_NEAR(*probe(1ms, 7), 8'000'000 / 0.8, 1);
}

TEST_F(ProbeResultsTest, DoesNotBelieveAnArrivalFasterThanTwiceTheSending) {
  EXPECT_FALSE(probe(100us, 10));
}

TEST_F(ProbeResultsTest, IgnoresAProbeThatNobodyPlanned) {
  EXPECT_FALSE(
      results_.add({.sent_at = kStart, .arrived_at = 1ms, .size = 1'000, .probe = ProbeId(9)}, {}));
}

class ProbePlannerTest : public ::testing::Test {
 protected:
  std::vector<double> taken() {
    std::vector<double> rates;
    for (const Probe& probe : probes_) rates.push_back(probe.bps);
    probes_.clear();
    return rates;
  }
  std::vector<double> after(Duration duration) {
    std::vector<double> rates;
    for (const TimePoint end = now_ + duration; now_ < end; now_ += 10ms) {
      planner_.advance(now_, probes_);
    }
    return taken();
  }

  TimePoint now_ = kStart;
  std::vector<Probe> probes_;
  ProbePlanner planner_;
};

TEST_F(ProbePlannerTest, BeginsWithThreeAndSixTimesTheRate) {
  planner_.start(300'000, now_, probes_);
  EXPECT_THAT(taken(), ::testing::ElementsAre(900'000, 1'800'000));
}

TEST_F(ProbePlannerTest, GoesOnAtTwiceAResultThatWasGood) {
  planner_.start(300'000, now_, probes_);
  taken();
  planner_.on_estimate(1'700'000, true, now_ + 100ms, probes_);
  EXPECT_THAT(taken(), ::testing::ElementsAre(3'400'000));
  planner_.on_estimate(2'000'000, true, now_ + 200ms, probes_);
  EXPECT_TRUE(taken().empty());
}

TEST_F(ProbePlannerTest, LeavesASenderAloneThatFillsThePath) {
  planner_.start(300'000, now_, probes_);
  taken();
  EXPECT_TRUE(after(1min).empty());
}

TEST_F(ProbePlannerTest, TriesMoreWhileLessIsSentThanMayBe) {
  planner_.start(300'000, now_, probes_);
  taken();
  planner_.set_application_limited(true);
  EXPECT_FALSE(after(ProbePlanner::kIntervalMin + 1s).empty());
}

TEST_F(ProbePlannerTest, TriesForTheNextLayerAndNotMuchFurther) {
  planner_.start(300'000, now_, probes_);
  planner_.set_wanted(500'000);
  taken();
  const auto probes = after(ProbePlanner::kIntervalMin + 1s);
  ASSERT_EQ(probes.size(), 1u);
  EXPECT_GT(probes[0], 500'000) << "of which a result is a little less";
  EXPECT_LE(probes[0], 1.2 * 500'000);
  planner_.on_estimate(550'000, true, now_, probes_);
  EXPECT_TRUE(after(1min).empty());
}

TEST_F(ProbePlannerTest, TriesMoreRarelyWhereNothingCameOfIt) {
  planner_.start(300'000, now_, probes_);
  planner_.set_wanted(5'000'000);
  taken();
  EXPECT_EQ(after(ProbePlanner::kIntervalMin + 10ms).size(), 1u);
  EXPECT_TRUE(after(ProbePlanner::kIntervalMin + 10ms).empty());
  after(1min);
  EXPECT_EQ(after(ProbePlanner::kIntervalMax * 3).size(), 3u);
}

TEST_F(ProbePlannerTest, GoesOnSoonForWhatIsWantedNext) {
  planner_.start(300'000, now_, probes_);
  planner_.set_wanted(500'000);
  after(ProbePlanner::kIntervalMin + 10ms);
  planner_.on_estimate(560'000, true, now_, probes_);
  EXPECT_TRUE(taken().empty());
  planner_.set_wanted(900'000);
  EXPECT_EQ(after(300ms).size(), 1u);
}

TEST_F(ProbePlannerTest, EndsWhenAProbeFindsNoMore) {
  planner_.start(300'000, now_, probes_);
  planner_.set_wanted(2'000'000);
  planner_.on_estimate(1'700'000, true, now_ + 100ms, probes_);
  taken();
  planner_.on_estimate(1'750'000, true, now_ + 200ms, probes_);
  EXPECT_TRUE(taken().empty());
}

}  // namespace
}  // namespace simpul::bwe
