#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "bench/load/scenario.h"

namespace simpul::load {
namespace {

using ::testing::HasSubstr;

Scenario accepted(std::string_view toml) {
  const auto scenario = parse_scenario(toml, "test.toml");
  EXPECT_TRUE(scenario) << scenario.error();
  return scenario.value_or(Scenario{});
}

// Why the scenario is refused, or "ok".
std::string outcome(std::string_view toml) {
  const auto scenario = parse_scenario(toml, "test.toml");
  return scenario ? "ok" : scenario.error();
}

// The same of a phase's lines, which begin in the third line.
std::string outcome_of_phase(const std::string& lines) {
  return outcome("\n[[phases]]\n" + lines + "\n");
}

TEST(JudgedLimits, RefusesAPhasesLimitThatNothingCanTellOf) {
  const std::string limit = "[phases.limits]\ngap_ms_p99 = 5";
  EXPECT_EQ(outcome_of_phase("kind = \"stage\"\n" + limit),
            "test.toml:4:1: phases[0].limits: gap_ms_p99 cannot be judged: only pairs move");
  EXPECT_THAT(outcome_of_phase("kind = \"pairs\"\nduration = \"10s\"\nevery = \"8s\"\n" + limit),
              HasSubstr("there is no time for a second round"));
  EXPECT_EQ(outcome_of_phase("kind = \"pairs\"\nduration = \"10s\"\nevery = \"7s\"\n" + limit),
            "ok");
  EXPECT_THAT(outcome_of_phase("kind = \"audio\"\n[phases.limits]\nfreezes = 0"),
              HasSubstr("freezes cannot be judged: there is no video"));
  EXPECT_THAT(outcome("[clients.default]\ndecrypting_share = 0\n[[phases]]\nkind = \"stage\"\n"
                      "[phases.limits]\ndelay_ms_p50 = 1\n"),
              HasSubstr("delay_ms_p50 cannot be judged: nobody decrypts"));
}

TEST(JudgedLimits, ALimitOfAllPhasesHoldsWhereItCanBeJudged) {
  const Scenario scenario = accepted(
      "[limits]\ngap_ms_p99 = 500\n[[phases]]\nkind = \"stage\"\n[[phases]]\nkind = \"pairs\"\n"
      "every = \"5s\"\n");
  EXPECT_TRUE(limits_of(scenario, 0).empty());
  EXPECT_EQ(limits_of(scenario, 1).size(), 1u);
  EXPECT_FALSE(unjudged_limit(scenario, false));
}

TEST(JudgedLimits, TellsOfALimitThatNothingCanTellOfBeforeAnybodyJoins) {
  Scenario scenario = accepted("[limits]\ngap_ms_p99 = 500\n[[phases]]\nkind = \"stage\"\n");
  EXPECT_EQ(unjudged_limit(scenario, false),
            "the limit of gap_ms_p99 cannot be judged: only pairs move");
  for (const Metric metric :
       {Metric::kRelayCpuPerPacket, Metric::kRelayCpuShare, Metric::kRelayKibPerViewer}) {
    scenario.limits = {{.metric = metric, .most = 1}};
    EXPECT_THAT(unjudged_limit(scenario, false).value_or(""), HasSubstr("it needs --relay-pid"));
    EXPECT_FALSE(unjudged_limit(scenario, true));
    scenario.phases[0].limits = std::exchange(scenario.limits, {});
    EXPECT_THAT(unjudged_limit(scenario, false).value_or(""), HasSubstr(" in stage cannot be"));
  }
  scenario.phases[0].limits = {{.metric = Metric::kLoss, .most = 0}};
  EXPECT_FALSE(unjudged_limit(scenario, false));
  scenario.silent = true;
  EXPECT_EQ(unjudged_limit(scenario, false),
            "the limit of loss in stage cannot be judged: publishers send nothing");
  scenario.phases[0].limits = {{.metric = Metric::kFailedJoins, .most = 0}};
  EXPECT_FALSE(unjudged_limit(scenario, false));
}

}  // namespace
}  // namespace simpul::load
