#include "bench/load/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace simpul::load {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kStage = std::string(SIMPUL_SCENARIOS) + "/stage.toml";
const std::string kEvening = std::string(SIMPUL_SCENARIOS) + "/evening.toml";

// What these words on the command line make, or why they are refused.
Expected<Scenario, std::string> scenario_of_words(std::vector<std::string> words) {
  CommandLine line;
  CLI::App app("", "simpul-load");
  describe(app, line);
  std::ranges::reverse(words);  // as CLI11 wants them
  try {
    app.parse(words);
  } catch (const CLI::ParseError& error) {
    return unexpected(std::string(error.what()));
  }
  if (auto reason = misplaced_flag(app, line)) return unexpected(*reason);
  return scenario_of(line);
}

std::string refusal_of(std::vector<std::string> words) {
  const auto scenario = scenario_of_words(std::move(words));
  return scenario ? "accepted" : scenario.error();
}

TEST(LoadCommandLine, RefusesByItsNameEachFlagOfPeopleAndMediaBesideAScenario) {
  for (const std::vector<std::string>& flag :
       std::vector<std::vector<std::string>>{{"--room", "hall"},
                                             {"--rooms", "2"},
                                             {"--publishers", "1"},
                                             {"--viewers", "5"},
                                             {"--hears", "1"},
                                             {"--sees", "1"},
                                             {"--table", "4"},
                                             {"--pairs"},
                                             {"--bitrate-kbps", "1500"},
                                             {"--fps", "30"},
                                             {"--burst-packets", "0"},
                                             {"--audio-only"}}) {
    std::vector<std::string> words = {kStage};
    words.insert(words.end(), flag.begin(), flag.end());
    EXPECT_EQ(refusal_of(words),
              flag.front() + ": " + kStage +
                  " says itself who is there and what they do: --set changes a key of it");
    EXPECT_EQ(refusal_of(flag), "accepted") << flag.front();
  }
}

TEST(LoadCommandLine, ItsOtherFlagsCountBesideAScenarioToo) {
  const auto scenario = scenario_of_words({kStage,
                                           "--host",
                                           "192.0.2.1",
                                           "--port",
                                           "90",
                                           "--seed",
                                           "7",
                                           "--seconds",
                                           "12",
                                           "--scale",
                                           "0.5",
                                           "--local",
                                           "127.0.0.5",
                                           "--srtp-profile",
                                           "cm80",
                                           "--silent",
                                           "--max-loss",
                                           "0.25",
                                           "--max-delay-ms",
                                           "3",
                                           "--max-first-frame-ms",
                                           "4",
                                           "--set",
                                           "phases[0].publishers=2"});
  ASSERT_TRUE(scenario) << scenario.error();
  EXPECT_EQ(scenario->server.to_string(), "192.0.2.1:90");
  EXPECT_EQ(scenario->seed, 7u);
  EXPECT_EQ(scenario->phases[0].duration, 12s);
  EXPECT_EQ(scenario->phases[0].publishers, 2u);
  EXPECT_EQ(scenario->phases[0].viewers, 100u);
  EXPECT_EQ(scenario->local.ip_text(), "127.0.0.5");
  EXPECT_EQ(scenario->srtp_profile, dtls::SrtpProfile::kAes128CmHmacSha1_80);
  EXPECT_TRUE(scenario->silent);
  const auto limit = [&](Metric metric) {
    return std::ranges::find(scenario->limits, metric, &Limit::metric)->most;
  };
  EXPECT_EQ(limit(Metric::kLoss), 0.25);
  EXPECT_EQ(limit(Metric::kDelayP99), 3);
  EXPECT_EQ(limit(Metric::kFirstFrameP99), 4);
}

TEST(LoadCommandLine, SecondsAreThoseOfTheOnlyPhase) {
  EXPECT_EQ(refusal_of({kEvening, "--seconds", "5"}),
            "--seconds: " + kEvening +
                " has several phases: --set phases.doors.duration=5s has one of them last so long");
  EXPECT_THAT(refusal_of({std::string(SIMPUL_SCENARIOS) + "/storm.toml", "--seconds", "6"}),
              HasSubstr("within: must end 3s before duration"))
      << "what is checked of a scenario is checked with it";
  const auto plain = scenario_of_words({"--seconds", "4", "--seed", "9"});
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->phases[0].duration, 4s);
  EXPECT_EQ(plain->seed, 9u);
  EXPECT_EQ(scenario_of_words({})->phases[0].duration, 10s);
}

// A run that the flags can describe is one that a file can describe.
TEST(LoadCommandLine, HasTheLimitsOfAScenario) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("simpul_command_line_test_" + std::to_string(::getpid()) + ".toml");
  const auto both = [&path](const std::string& kind, const std::string& key,
                            const std::string& flag, uint64_t value) {
    std::ofstream(path) << "[[phases]]\nkind = \"" << kind << "\"\n" << key << " = " << value;
    const bool by_file = scenario_of_words({path.string()}).has_value();
    const bool by_flag = scenario_of_words({flag, std::to_string(value)}).has_value();
    EXPECT_EQ(by_file, by_flag) << flag << ' ' << value;
    return by_file && by_flag;
  };
  for (const auto& [kind, key, flag, most] :
       {std::tuple{"stage", "publishers", "--publishers", uint64_t{100}},
        {"stage", "viewers", "--viewers", 20'000},
        {"stage", "rooms", "--rooms", 10'000},
        {"tables", "people", "--table", 50}}) {
    EXPECT_TRUE(both(kind, key, flag, most));
    EXPECT_FALSE(both(kind, key, flag, most + 1));
    EXPECT_FALSE(both(kind, key, flag, 0));
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace simpul::load
