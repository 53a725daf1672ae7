#include <gtest/gtest.h>

#include "bench/congestion/scenarios.h"

// What the estimator has to reach, at virtual time over several seeds (RFC 8867, RFC 8868). The
// figures themselves: docs/congestion.md.
namespace simpul::congestion {
namespace {

class Congestion : public ::testing::TestWithParam<uint64_t> {
 protected:
  std::vector<FlowResult> run(const char* name) { return run_scenario(scenario(name), GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(Seeds, Congestion, ::testing::Values(1, 2, 3));

TEST_P(Congestion, RampsUpToTwoMegabitsInThreeSeconds) {
  const auto flows = run("ramp");
  const double reached = flows[0].reached(0.9 * 2e6, 0);
  EXPECT_GE(reached, 0);
  EXPECT_LT(reached, 3);
}

TEST_P(Congestion, EmptiesTheQueueWithinTwoSecondsOfADrop) {
  const double settled = run("drop")[0].queue_settled(50, 20.5);
  EXPECT_GE(settled, 0);
  EXPECT_LT(settled - 20, 2);
}

TEST_P(Congestion, IsAloneWithAShortQueue) { EXPECT_LE(run("5.1")[0].queue_percentile(0.95), 100); }

TEST_P(Congestion, SharesFairlyAmongThree) {
  std::vector<double> rates;
  for (const FlowResult& flow : run("5.4")) rates.push_back(flow.mean_bps(80, 120));
  EXPECT_GE(fairness(rates), 0.9);
}

TEST_P(Congestion, KeepsFourFifthsUnderFivePercentLoss) {
  EXPECT_GE(run("loss 5 %")[0].mean_bps(20, 60), 0.8 * 2e6);
}

TEST_P(Congestion, UsesWhatItsLayersAllow) {
  const auto flow = run("layers")[0];
  EXPECT_GE(flow.mean_bps(20, 60), 0.9 * 2.5e6);
}

TEST_P(Congestion, FollowsALayerDownAndUpAndStays) {
  const auto flow = run("layers, drop")[0];
  // Down at 20 s, up again after 40 s; apart from that and the start nothing moves.
  for (const auto& [second, layers] : flow.layer_switches) {
    EXPECT_TRUE(second < 10 || (second > 20 && second < 25) || (second > 40 && second < 50))
        << second << " " << layers.front();
  }
  EXPECT_EQ(flow.samples.back().layers.front(), 2);
}

TEST_P(Congestion, FollowsThePathDownInTwoSecondsAndUpInTen) {
  const auto flow = run("layers, follow")[0];
  const double down = flow.layer_settled(0, 20);
  EXPECT_GE(down, 20);
  EXPECT_LT(down - 20, 2);
  const double up = flow.layer_settled(2, 50);
  EXPECT_GE(up, 50);
  EXPECT_LT(up - 50, 10);
  EXPECT_LT(flow.lost_audio, flow.sent_audio / 100);
}

TEST_P(Congestion, StaysWhereItIsWhileThePathStays) {
  for (const char* name : {"layers", "layers, drop", "layers, follow", "layers, four slots",
                           "layers, 5.1", "layers, loss 5 %"}) {
    const auto flow = run(name)[0];
    for (const auto& [from, to] : steady_times(scenario(name), kSettling)) {
      EXPECT_EQ(flow.switches_a_minute(from, to), 0) << name << " from " << from;
    }
  }
}

TEST_P(Congestion, UsesWhatTheLayersOfOneSlotAllow) {
  for (const char* name : {"layers", "layers, drop", "layers, loss 5 %"}) {
    EXPECT_GE(use_of_layers(scenario(name), run(name)[0]), 0.9) << name;
  }
}

TEST_P(Congestion, SurvivesTheLossOfReports) {
  EXPECT_GE(run("reports lost")[0].mean_bps(20, 60), 0.6 * 2e6);
}

TEST_P(Congestion, IsTheSameForAClockThatDrifts) {
  EXPECT_GE(run("clock drift")[0].mean_bps(20, 60), 0.8 * 2e6);
}

}  // namespace
}  // namespace simpul::congestion
