#include "bench/load/scenario.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

namespace simpul::load {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

Scenario accepted(std::string_view toml, const std::vector<std::string>& overrides = {}) {
  const auto scenario = parse_scenario(toml, "test.toml", overrides);
  EXPECT_TRUE(scenario) << scenario.error();
  return scenario.value_or(Scenario{});
}

// Why the scenario is refused, or "ok".
std::string outcome(std::string_view toml, const std::vector<std::string>& overrides = {}) {
  const auto scenario = parse_scenario(toml, "test.toml", overrides);
  return scenario ? "ok" : scenario.error();
}

// The same of a phase's lines, which begin in the third line.
std::string outcome_of_phase(const std::string& lines) {
  return outcome("\n[[phases]]\n" + lines + "\n");
}

TEST(Scenario, ReadsWhatEverybodyCanSay) {
  const Scenario scenario = accepted(R"(
name = "evening"
server = "192.0.2.1:8090"
seed = 7
[limits]
loss = 0.001
delay_ms_p99 = 3
[clients.speaker.video]
codec = "av1"
bitrate_kbps = 2500
fps = 25
width = 1920
height = 1080
layers = 3
temporal_layers = 3
pacing = "bursts"
burst_packets = 4
burst_interval = "10ms"
encode_time = "12ms"
[clients.speaker.audio]
bitrate_kbps = 64
dtx = true
always_talks = true
[clients.mobile]
decrypting_share = 0.25
[clients.mobile.down]
burst_loss = 0.02
burst_packets = 5
delay = "40ms"
jitter = "10ms"
rate_kbps = 3000
queue = "300ms"
[clients.mobile.up]
loss = 0.01
[[phases]]
kind = "stage"
name = "keynote"
room = "hall"
start = "5s"
join = "10s"
duration = "1m"
rooms = 2
publishers = 3
viewers = 500
publisher_class = "speaker"
viewer_class = "mobile"
[phases.limits]
first_frame_ms_p99 = 1500
)");
  EXPECT_EQ(scenario.name, "evening");
  EXPECT_EQ(scenario.server.to_string(), "192.0.2.1:8090");
  EXPECT_EQ(scenario.seed, 7u);
  ASSERT_EQ(scenario.limits.size(), 2u);
  EXPECT_EQ(scenario.limits[1].metric, Metric::kDelayP99);
  EXPECT_EQ(scenario.limits[1].most, 3);
  ASSERT_EQ(scenario.phases.size(), 1u);
  const Phase& phase = scenario.phases[0];
  EXPECT_EQ(phase.kind, PhaseKind::kStage);
  EXPECT_EQ(phase.name, "keynote");
  EXPECT_EQ(phase.room, "hall");
  EXPECT_EQ(phase.start, 5s);
  EXPECT_EQ(phase.join, 10s);
  EXPECT_EQ(phase.duration, 60s);
  EXPECT_EQ(phase.rooms, 2u);
  EXPECT_EQ(phase.publishers, 3u);
  EXPECT_EQ(phase.viewers, 500u);
  ASSERT_EQ(phase.limits.size(), 1u);
  EXPECT_EQ(phase.limits[0].metric, Metric::kFirstFrameP99);
  const ClientClass& speaker = scenario.classes[phase.publisher_class];
  EXPECT_EQ(speaker.name, "speaker");
  EXPECT_EQ(speaker.video.codec, Codec::kAv1);
  EXPECT_EQ(speaker.video.bitrate_bps, 2'500'000u);
  EXPECT_EQ(speaker.video.frames_per_second, 25u);
  EXPECT_EQ(speaker.video.width, 1920);
  EXPECT_EQ(speaker.video.height, 1080);
  EXPECT_EQ(speaker.video.layers, 3);
  EXPECT_EQ(speaker.video.temporal_layers, 3);
  EXPECT_EQ(speaker.video.pacing, Pacing::kBursts);
  EXPECT_EQ(speaker.video.burst_packets, 4u);
  EXPECT_EQ(speaker.video.burst_interval, 10ms);
  EXPECT_EQ(speaker.video.encode_time, 12ms);
  EXPECT_EQ(speaker.audio.bitrate_bps, 64'000u);
  EXPECT_TRUE(speaker.audio.dtx);
  EXPECT_TRUE(speaker.audio.always_talks);
  const ClientClass& mobile = scenario.classes[phase.viewer_class];
  EXPECT_EQ(mobile.decrypting_share, 0.25);
  EXPECT_EQ(mobile.down, (NetworkSettings{.burst_loss = 0.02,
                                          .burst_packets = 5,
                                          .delay = 40ms,
                                          .jitter = 10ms,
                                          .rate_bps = 3'000'000,
                                          .queue = 300ms}));
  EXPECT_EQ(mobile.up, (NetworkSettings{.loss = 0.01}));
}

TEST(Scenario, ReadsEveryKindOfPhase) {
  const Scenario scenario = accepted(R"(
[clients.microphone]
video = false
[[phases]]
kind = "tables"
rooms = 20
people = 6
[[phases]]
kind = "pairs"
pairs = 30
every = "20s"
[[phases]]
kind = "audio"
microphones = 400
publisher_class = "microphone"
viewer_class = "microphone"
[[phases]]
kind = "storm"
viewers = 0
joins = 900
within = "4s"
[[phases]]
kind = "churn"
rate = 2.5
[[phases]]
kind = "roam"
every = "15s"
[[phases]]
kind = "turns"
viewers = 7
)");
  ASSERT_EQ(scenario.phases.size(), kPhaseKinds - 1);
  EXPECT_EQ(scenario.phases[0].rooms, 20u);
  EXPECT_EQ(scenario.phases[0].people, 6u);
  EXPECT_EQ(scenario.phases[1].pairs, 30u);
  EXPECT_EQ(scenario.phases[1].every, 20s);
  EXPECT_EQ(scenario.phases[2].microphones, 400u);
  EXPECT_EQ(scenario.phases[2].viewers, 10u);
  EXPECT_FALSE(scenario.classes[scenario.phases[2].publisher_class].has_video);
  EXPECT_EQ(scenario.phases[3].viewers, 0u);
  EXPECT_EQ(scenario.phases[3].joins, 900u);
  EXPECT_EQ(scenario.phases[3].within, 4s);
  EXPECT_EQ(scenario.phases[4].rate, 2.5);
  EXPECT_EQ(scenario.phases[5].every, 15s);
  // Each is called by its kind, and so is its room.
  EXPECT_EQ(scenario.phases[5].name, "roam");
  EXPECT_EQ(scenario.phases[5].room, "roam");
  EXPECT_FALSE(scenario.phases[5].start);
  EXPECT_EQ(scenario.phases[6].viewers, 7u);
  EXPECT_EQ(scenario.phases[6].every, 5s);
}

TEST(Scenario, EveryMetricCanHaveALimit) {
  std::string toml = "[limits]\n";
  for (const MetricName& metric : kMetricNames) toml += std::string(metric.name) + " = 1.5\n";
  const Scenario scenario = accepted(toml + "[[phases]]\nkind = \"stage\"\n");
  ASSERT_EQ(scenario.limits.size(), kMetricNames.size());
  for (const Limit& limit : scenario.limits) EXPECT_EQ(limit.most, 1.5);
}

TEST(Scenario, RefusesWhatIsNotTomlWithItsPlace) {
  EXPECT_THAT(outcome("name = \"a\"\n[[phases\n"), HasSubstr("test.toml:2:"));
  EXPECT_THAT(outcome("viewers = [)"), HasSubstr("test.toml:1:"));
}

TEST(Scenario, CommentsAreInAnyLanguageAndKeysInAscii) {
  accepted("\xEF\xBB\xBF# Größe: \xEF\xBB\x9F \xFF\n[[phases]]\nkind = \"stage\"\n");
  EXPECT_NE(outcome("\xEF\xBB\x9F = 1\n"), "ok");
  EXPECT_NE(outcome("[[phases]]\nkind = \"stage\"\n", {"name=\"\xEF\xBB\x9F\""}), "ok");
}

TEST(Scenario, RefusesUnknownKeysEverywhere) {
  EXPECT_EQ(outcome("nmae = \"a\"\n[[phases]]\nkind = \"stage\""),
            "test.toml:1:1: nmae: unknown key");
  EXPECT_EQ(outcome("[clients.a.video]\nfsp = 30\n"),
            "test.toml:2:1: clients.a.video.fsp: unknown key");
  EXPECT_EQ(outcome("[limits]\nlos = 0\n"), "test.toml:2:1: limits.los: unknown key");
  EXPECT_EQ(outcome_of_phase("kind = \"pairs\"\nviewers = 3"),
            "test.toml:4:1: phases[0].viewers: unknown key of a phase of kind pairs");
}

TEST(Scenario, RefusesTypesAndRanges) {
  EXPECT_EQ(outcome_of_phase("kind = \"stage\"\nviewers = \"many\""),
            "test.toml:4:11: phases[0].viewers: must be 1 to 20000");
  EXPECT_EQ(outcome_of_phase("kind = \"stage\"\nviewers = 20001"),
            "test.toml:4:11: phases[0].viewers: must be 1 to 20000");
  EXPECT_EQ(outcome_of_phase("kind = \"stage\"\npublishers = 101"),
            "test.toml:4:14: phases[0].publishers: must be 1 to 100");
  EXPECT_EQ(outcome_of_phase("kind = \"churn\"\nrate = inf"),
            "test.toml:4:8: phases[0].rate: must be 0.01 to 1000");
  EXPECT_EQ(outcome_of_phase("kind = \"churn\"\nrate = true"),
            "test.toml:4:8: phases[0].rate: must be 0.01 to 1000");
  EXPECT_EQ(outcome_of_phase("kind = \"stage\"\nduration = 30"),
            "test.toml:4:12: phases[0].duration: must be a duration, like \"500ms\", \"30s\" or "
            "\"2m\"");
  EXPECT_EQ(outcome_of_phase("kind = \"stage\"\nduration = \"0s\""),
            "test.toml:4:12: phases[0].duration: must be 1000ms to 86400000ms");
  EXPECT_EQ(outcome_of_phase("kind = \"stage\"\nroom = \"a b\""),
            "test.toml:4:8: phases[0].room: must be 1 to 64 of A-Z a-z 0-9 _ . -");
  EXPECT_EQ(outcome("[clients.a.down]\nloss = 1.5"),
            "test.toml:2:8: clients.a.down.loss: must be 0 to 1");
  EXPECT_EQ(outcome("[clients.a.audio]\ndtx = 1"),
            "test.toml:2:7: clients.a.audio.dtx: must be true or false");
  EXPECT_EQ(outcome("[clients]\na = 1"), "test.toml:2:5: clients.a: must be a table");
  EXPECT_EQ(outcome("[clients.a]\nvideo = true"),
            "test.toml:2:9: clients.a.video: must be false or a table");
  EXPECT_EQ(outcome("[clients.a.video]\ncodec = \"vp10\""),
            "test.toml:2:9: clients.a.video.codec: must be one of vp8, vp9, h264, av1");
  EXPECT_EQ(outcome("server = \"localhost\""),
            "test.toml:1:10: server: must be an address and a port, like \"127.0.0.1:8080\"");
  EXPECT_EQ(outcome("server = 1"), "test.toml:1:10: server: must be a string");
  EXPECT_EQ(outcome("phases = 1"), "test.toml:1:10: phases: must be a list of at most 64 tables");
  EXPECT_EQ(outcome("phases = [1]"), "test.toml:1:11: phases[0]: must be a table");
}

TEST(Scenario, RefusesWhatMakesNoSense) {
  EXPECT_THAT(outcome("name = \"a\""), HasSubstr("phases: there must be at least one [[phases]]"));
  EXPECT_EQ(outcome_of_phase("viewers = 3"),
            "test.toml:2:1: phases[0].kind: every phase needs a kind");
  EXPECT_EQ(outcome_of_phase("kind = \"party\""),
            "test.toml:3:8: phases[0].kind: must be one of stage, tables, pairs, audio, storm, "
            "churn, roam, turns");
  EXPECT_EQ(outcome_of_phase("kind = \"stage\"\nviewer_class = \"mobile\""),
            "test.toml:4:16: phases[0].viewer_class: there is no [clients.mobile]");
  EXPECT_EQ(outcome_of_phase("kind = \"storm\"\nduration = \"7s\"\nwithin = \"5s\""),
            "test.toml:5:10: phases[0].within: must end 3s before duration, so that the last can "
            "be watched");
  EXPECT_EQ(outcome_of_phase("kind = \"turns\"\nduration = \"8s\"\nevery = \"6s\""),
            "test.toml:5:9: phases[0].every: must leave 3s of duration, so that there is a turn to "
            "be watched");
  EXPECT_EQ(outcome_of_phase("kind = \"turns\"\nevery = \"2s\""),
            "test.toml:4:9: phases[0].every: must be 3000ms to 3600000ms");
  EXPECT_EQ(outcome_of_phase("kind = \"turns\"\npublishers = 2"),
            "test.toml:4:1: phases[0].publishers: unknown key of a phase of kind turns");
  EXPECT_EQ(outcome_of_phase("kind = \"stage\"\n[[phases]]\nkind = \"stage\""),
            "test.toml:4:1: phases[1].name: another phase is called \"stage\" too");
  EXPECT_EQ(outcome("[clients.a]\nvideo = false\naudio = false"),
            "test.toml:3:9: clients.a.audio: without video there must be audio");
  EXPECT_EQ(outcome("[clients.a]\nvideo = false\n[[phases]]\nkind = \"stage\"\n"
                    "publisher_class = \"a\"\nviewer_class = \"default\""),
            "test.toml:6:16: phases[0].viewer_class: wants what publisher_class does not send");
  EXPECT_EQ(outcome("[clients.a.video]\nburst_packets = 3"),
            "test.toml:2:17: clients.a.video.burst_packets: needs pacing = \"bursts\"");
  EXPECT_EQ(outcome("[clients.a.down]\nburst_packets = 3"),
            "test.toml:2:17: clients.a.down.burst_packets: needs burst_loss");
  EXPECT_EQ(outcome("[clients.a.video]\ntemporal_layers = 2"),
            "test.toml:2:19: clients.a.video.temporal_layers: must be 1 or 3");
}

TEST(Scenario, RefusesKeysThatWouldHaveNoEffect) {
  EXPECT_EQ(outcome("[clients.a.video]\ncodec = \"h264\"\ntemporal_layers = 3"),
            "test.toml:3:19: clients.a.video.temporal_layers: H.264 has none: nothing in its "
            "packets would tell of them");
  EXPECT_EQ(outcome("[clients.a.down]\nqueue = \"1s\""),
            "test.toml:2:9: clients.a.down.queue: needs rate_kbps");
  EXPECT_EQ(outcome("[clients.a.audio]\ndtx = true\n[clients.a]\nplain = true"),
            "test.toml:2:1: clients.a.audio.dtx: plain sound has no settings");
  accepted("[clients.a]\nplain = true\naudio = {}\n[[phases]]\nkind = \"stage\"\n");
  for (const char* kbps : {"15", "257"}) {
    EXPECT_EQ(outcome(std::string("[clients.a.audio]\nbitrate_kbps = ") + kbps),
              "test.toml:2:16: clients.a.audio.bitrate_kbps: must be 16 to 256");
  }
}

TEST(Scenario, TellsTheFirstThingThatIsWrong) {
  EXPECT_THAT(outcome("seed = -1\n[[phases]]\nkind = \"party\"\n"),
              HasSubstr("test.toml:1:8: seed"));
}

constexpr std::string_view kTwoPhases =
    "[[phases]]\nkind = \"stage\"\n[[phases]]\nkind = \"storm\"\nname = \"rush\"\n";

TEST(Scenario, OverridesKeysByNumberAndByName) {
  const Scenario scenario =
      accepted(kTwoPhases, {"phases[0].viewers=7", "phases.rush.viewers = 9", "seed=3",
                            "phases.stage.duration=12s", "phases.1.room=\"hall\"",
                            "clients.mobile.down.loss=0.5", "phases.rush.viewer_class=mobile"});
  EXPECT_EQ(scenario.phases[0].viewers, 7u);
  EXPECT_EQ(scenario.phases[0].duration, 12s);
  EXPECT_EQ(scenario.phases[1].viewers, 9u);
  EXPECT_EQ(scenario.phases[1].room, "hall");
  EXPECT_EQ(scenario.classes[scenario.phases[1].viewer_class].down.loss, 0.5);
  EXPECT_EQ(scenario.seed, 3u);
}

TEST(Scenario, RefusesOverridesByTheirText) {
  EXPECT_EQ(outcome(kTwoPhases, {"viewers"}), "--set viewers: must be KEY=VALUE");
  EXPECT_EQ(outcome(kTwoPhases, {"phases.gala.viewers=3"}),
            "--set phases.gala.viewers=3: there is no gala");
  EXPECT_EQ(outcome(kTwoPhases, {"phases[2].viewers=3"}),
            "--set phases[2].viewers=3: there is no 2");
  EXPECT_EQ(outcome(kTwoPhases, {"phases[0]=3"}), "--set phases[0]=3: the key leads to no table");
  EXPECT_EQ(outcome(kTwoPhases, {"=3"}), "--set =3: the key leads to no table");
  EXPECT_EQ(outcome(kTwoPhases, {"seed=1\nname=\"a\""}), "--set seed=1\nname=\"a\": not a value");
  EXPECT_EQ(outcome(kTwoPhases, {"phases.rush.viewers=-3"}),
            "--set phases.rush.viewers=-3: phases[1].viewers: must be 0 to 20000");
  EXPECT_EQ(outcome(kTwoPhases, {"phases.rush.viwers=3"}),
            "--set phases.rush.viwers=3: phases[1].viwers: unknown key of a phase of kind storm");
}

TEST(Scenario, ScalesPeopleAndKeepsAtLeastOne) {
  Scenario scenario;
  scenario.phases = {{.kind = PhaseKind::kStorm, .publishers = 2, .viewers = 0, .joins = 1000},
                     {.kind = PhaseKind::kTables, .rooms = 4, .people = 6},
                     {.kind = PhaseKind::kStage, .rooms = 3, .viewers = 30},
                     {.kind = PhaseKind::kChurn, .viewers = 100, .rate = 10}};
  scenario = scaled(std::move(scenario), 0.1);
  EXPECT_EQ(scenario.phases[0].publishers, 2u);
  EXPECT_EQ(scenario.phases[0].viewers, 0u);
  EXPECT_EQ(scenario.phases[0].joins, 100u);
  EXPECT_EQ(scenario.phases[1].rooms, 1u);
  EXPECT_EQ(scenario.phases[1].people, 6u);
  EXPECT_EQ(scenario.phases[2].rooms, 3u);
  EXPECT_EQ(scenario.phases[2].viewers, 3u);
  EXPECT_EQ(scenario.phases[3].viewers, 10u);
  EXPECT_EQ(scenario.phases[3].rate, 1);
}

TEST(Scenario, APhaseReplacesLimitsOfTheScenario) {
  const Scenario scenario = accepted(
      "[limits]\nloss = 0\ndelay_ms_p99 = 5\n[[phases]]\nkind = \"stage\"\n"
      "[phases.limits]\nloss = 0.5\n");
  const Limits limits = limits_of(scenario, 0);
  ASSERT_EQ(limits.size(), 2u);
  EXPECT_EQ(limits[0].most, 0.5);
  EXPECT_EQ(limits[1].metric, Metric::kDelayP99);
}

TEST(Scenario, ViewersHearAndSeeAsManyAsThereAre) {
  const Scenario scenario = accepted(
      "[[phases]]\nkind = \"stage\"\npublishers = 4\nhears = 4\nsees = 2\n"
      "[[phases]]\nkind = \"audio\"\nmicrophones = 500\nhears = 10\n");
  EXPECT_EQ(scenario.phases[0].hears, 4u);
  EXPECT_EQ(scenario.phases[0].sees, 2u);
  EXPECT_FALSE(scenario.phases[0].names_publishers());
  EXPECT_EQ(scenario.phases[1].hears, 10u);
  EXPECT_EQ(scaled(scenario, 0.01).phases[1].hears, 5u) << "no more than speak";
  EXPECT_THAT(outcome_of_phase("kind = \"stage\"\nhears = 2"),
              HasSubstr("test.toml:4:9: phases[0].hears: is more than there are publishers"));
  EXPECT_THAT(outcome_of_phase("kind = \"stage\"\npublishers = 3\nsees = 4"),
              HasSubstr("phases[0].sees: is more than there are publishers"));
  EXPECT_THAT(outcome_of_phase("kind = \"audio\"\nhears = 17"), HasSubstr("must be 1 to 16"));
  EXPECT_THAT(outcome_of_phase("kind = \"audio\"\nsees = 2"), HasSubstr("unknown key"));
  EXPECT_THAT(outcome_of_phase("kind = \"tables\"\nhears = 2"), HasSubstr("unknown key"));
  EXPECT_THAT(outcome("[clients.default]\naudio = false\n[[phases]]\nkind = \"stage\"\n"
                      "publishers = 2\nhears = 2\n"),
              HasSubstr("phases[0].hears: needs audio"));
}

TEST(Scenario, TheReadyMadeFilesAreGoodAndCoverEveryKind) {
  std::set<PhaseKind> kinds;
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SIMPUL_SCENARIOS)) {
    if (entry.path().extension() != ".toml") continue;
    const auto scenario = load_scenario(entry.path());
    ASSERT_TRUE(scenario) << scenario.error();
    EXPECT_EQ(scenario->name, entry.path().stem().string());
    for (const Phase& phase : scenario->phases) kinds.insert(phase.kind);
    ++files;
  }
  EXPECT_EQ(files, 9u);
  EXPECT_EQ(kinds.size(), kPhaseKinds);
}

TEST(Scenario, IsReadFromAFileAndNamesIt) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("simpul_scenario_test_" + std::to_string(::getpid()) + ".toml");
  std::ofstream(path) << "[[phases]]\nkind = \"stage\"\nviewers = -1\n";
  const auto refused = load_scenario(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), path.string() + ":3:11: phases[0].viewers: must be 1 to 20000");
  std::ofstream(path) << std::string(kScenarioSizeMax + 1, '#');
  EXPECT_EQ(load_scenario(path).error(), path.string() + ": is too large for a scenario");
  std::filesystem::remove(path);
  EXPECT_EQ(load_scenario(path).error(), path.string() + ": cannot be opened");
}

}  // namespace
}  // namespace simpul::load
