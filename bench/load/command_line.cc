#include "bench/load/command_line.h"

#include <algorithm>
#include <utility>

namespace simpul::load {
namespace {

using CLI::Range;

constexpr const char* kPeople = "Without a scenario: who is there";
constexpr const char* kMedia = "Without a scenario: what they do";
constexpr const char* kLimits = "Limits; broken ones give exit status 1";
constexpr const char* kComparisons = "For comparisons";
constexpr const char* kReports = "Reports";
constexpr auto kSecondsMax = static_cast<uint32_t>(kDurationMax / std::chrono::seconds(1));

void describe_people(CLI::App& app, CommandLine& line) {
  Phase& phase = line.phase;
  app.add_option("--room", phase.room, "its name; several get numbers")->group(kPeople);
  app.add_option("--rooms", phase.rooms, "how many rooms (1)")
      ->check(Range(1u, kRoomsMax))
      ->group(kPeople);
  auto* publishers = app.add_option("--publishers", phase.publishers, "in each room (1)")
                         ->check(Range(1u, kPublishersMax))
                         ->group(kPeople);
  auto* viewers = app.add_option("--viewers", phase.viewers,
                                 "in each room, shared out among its publishers (100)")
                      ->check(Range(1u, kPeopleMax))
                      ->group(kPeople);
  auto* hears = app.add_option("--hears", phase.hears,
                               "speakers that each viewer hears at once, whom the relay chooses "
                               "(1: its publisher)")
                    ->check(Range(uint32_t{1}, kSlotsMax))
                    ->group(kPeople);
  auto* sees = app.add_option("--sees", phase.sees, "the same of those whom it sees")
                   ->check(Range(uint32_t{1}, kSlotsMax))
                   ->group(kPeople);
  auto* table = app.add_option("--table", line.table,
                               "instead: each room is a table of so many, who publish and watch "
                               "all others")
                    ->check(Range(2u, kTableMax))
                    ->excludes(publishers)
                    ->excludes(viewers)
                    ->excludes(hears)
                    ->excludes(sees)
                    ->group(kPeople);
  app.add_flag("--pairs", line.pairs, "instead: each room is a pair, a table of two")
      ->excludes(publishers)
      ->excludes(viewers)
      ->excludes(hears)
      ->excludes(sees)
      ->excludes(table)
      ->group(kPeople);
}

void describe_media(CLI::App& app, CommandLine& line) {
  app.add_option("--bitrate-kbps", line.bitrate_kbps, "of the video (1500)")
      ->check(Range(kVideoKbpsMin, kVideoKbpsMax))
      ->group(kMedia);
  app.add_option("--fps", line.frames_per_second, "of the video (30)")
      ->check(Range(1u, kFramesPerSecondMax))
      ->group(kMedia);
  app.add_option("--burst-packets", line.burst_packets,
                 "a frame leaves in bursts of so many, 5 ms apart (0: at once)")
      ->check(Range(0u, kBurstPacketsMax))
      ->group(kMedia);
  app.add_flag("--audio-only", line.audio_only, "no video")->group(kMedia);
  app.add_flag("--silent", line.silent, "publishers send nothing, viewers wait")
      ->group(kComparisons);
  app.add_option("--srtp-profile", line.srtp_profile, "the only one offered: gcm or cm80")
      ->check(CLI::IsMember({"gcm", "cm80"}))
      ->group(kComparisons);
  app.add_option("--local", line.local, "IPv4 address that the clients have (127.0.0.1)")
      ->group(kComparisons);
  app.add_option("--max-loss", line.loss_max, "after repair, 0 to 1")
      ->check(Range(0.0, 1.0))
      ->group(kLimits);
  app.add_option("--max-delay-ms", line.delay_ms_max, "99th percentile")->group(kLimits);
  app.add_option("--max-first-frame-ms", line.first_frame_ms_max, "99th percentile")
      ->group(kLimits);
}

void set_limit(Metric metric, const std::optional<double>& most, Limits& limits) {
  if (!most) return;
  std::erase_if(limits, [metric](const Limit& limit) { return limit.metric == metric; });
  limits.push_back({.metric = metric, .most = *most});
}

// The scenario that the flags describe.
Scenario scenario_of_flags(const CommandLine& line) {
  Scenario scenario;
  if (line.seed) scenario.seed = *line.seed;
  ClientClass& people = scenario.classes.front();
  people.plain = true;
  people.video.bitrate_bps = line.bitrate_kbps * 1000;
  people.video.frames_per_second = line.frames_per_second;
  if (line.burst_packets > 0) {
    people.video.pacing = Pacing::kBursts;
    people.video.burst_packets = line.burst_packets;
  }
  people.has_video = !line.audio_only;
  Phase phase = line.phase;
  if (line.seconds) phase.duration = std::chrono::seconds(*line.seconds);
  if (line.pairs || line.table > 0) {
    phase.kind = PhaseKind::kTables;
    phase.people = line.pairs ? 2 : line.table;
  }
  scenario.phases.push_back(std::move(phase));
  return scenario;
}

Expected<Scenario, std::string> scenario_of_file(const CommandLine& line) {
  auto overrides = line.overrides;
  if (line.seed) overrides.push_back("seed=" + std::to_string(*line.seed));
  auto scenario = load_scenario(line.file, overrides);
  if (!scenario || !line.seconds) return scenario;
  if (scenario->phases.size() > 1) {
    return unexpected("--seconds: " + line.file + " has several phases: --set phases." +
                      scenario->phases.front().name + ".duration=" + std::to_string(*line.seconds) +
                      "s has one of them last so long");
  }
  overrides.push_back("phases[0].duration=" + std::to_string(*line.seconds) + "s");
  return load_scenario(line.file, overrides);
}

}  // namespace

std::optional<std::string> misplaced_flag(const CLI::App& app, const CommandLine& line) {
  if (line.file.empty()) return std::nullopt;
  for (const CLI::Option* option : app.get_options()) {
    const std::string& group = option->get_group();
    if (option->empty() || (group != kPeople && group != kMedia)) continue;
    return option->get_name() + ": " + line.file +
           " says itself who is there and what they do: --set changes a key of it";
  }
  return std::nullopt;
}

void describe(CLI::App& app, CommandLine& line) {
  app.description(
      "Joins a relay with synthetic people over WHIP and WHEP, from one thread, has them do what a "
      "scenario says, and reports what they saw: loss told exactly by the number in each packet, "
      "corruption, delay, time to the first frame.\n"
      "Exit status: 0, 1 a limit is broken or somebody could not join, 2 wrong usage.");
  app.add_option("scenario", line.file, "a TOML file; without it the flags make a scenario");
  app.add_option("--set", line.overrides, "KEY=VALUE, instead of what the scenario has")
      ->allow_extra_args(false);
  app.add_option("--scale", line.scale, "so many times as many people")
      ->check(Range(0.001, 1000.0));
  app.add_option("--seconds", line.seconds,
                 "how long to measure (10), or instead of the duration of the scenario's one phase")
      ->check(Range(uint32_t{1}, kSecondsMax));
  app.add_option("--seed", line.seed, "instead of the scenario's (1)");
  app.add_flag("--check", line.check, "only say whether the scenario is good");
  app.add_option("--host", line.host, "address of the relay's HTTP (127.0.0.1)");
  app.add_option("--port", line.port, "port of the relay's HTTP (8080)");
  app.add_option("--relay-pid", line.relay_pid, "process to charge CPU and memory to");
  app.add_option("--cpu", line.cpu, "run on this CPU only");
  app.add_option("--json", line.json, "a file for all figures; without a name one line on stdout")
      ->expected(0, 1)
      ->default_str("-")
      ->group(kReports);
  app.add_option("--html", line.html, "a file for a page with plots")->group(kReports);
  app.add_flag("--quiet", line.quiet, "no progress on stderr")->group(kReports);
  describe_people(app, line);
  describe_media(app, line);
}

Expected<Scenario, std::string> scenario_of(const CommandLine& line) {
  if (line.json.ends_with(".toml")) return unexpected("--json: would overwrite " + line.json);
  if (line.file.empty() && !line.overrides.empty()) {
    return unexpected(std::string("--set: there is no scenario"));
  }
  Expected<Scenario, std::string> scenario =
      line.file.empty() ? scenario_of_flags(line) : scenario_of_file(line);
  if (!scenario) return scenario;
  if (line.host || line.port) {
    const std::string host = line.host.value_or(scenario->server.ip_text());
    const auto server = Address::parse(host, line.port.value_or(scenario->server.port));
    if (!server) return unexpected("--host: not an address: " + host);
    scenario->server = *server;
  }
  if (line.file.empty() && std::max(line.phase.hears, line.phase.sees) > line.phase.publishers) {
    return unexpected(std::string("--hears, --sees: there are not so many publishers"));
  }
  if (line.file.empty() && line.audio_only && line.phase.sees > 1) {
    return unexpected(std::string("--sees: there is no video"));
  }
  const auto local = Address::parse(line.local, 0);
  if (!local) return unexpected("--local: not an address: " + line.local);
  scenario->local = *local;
  using enum dtls::SrtpProfile;
  if (line.srtp_profile == "gcm") scenario->srtp_profile = kAeadAes128Gcm;
  if (line.srtp_profile == "cm80") scenario->srtp_profile = kAes128CmHmacSha1_80;
  scenario->silent = line.silent;
  set_limit(Metric::kLoss, line.loss_max, scenario->limits);
  set_limit(Metric::kDelayP99, line.delay_ms_max, scenario->limits);
  set_limit(Metric::kFirstFrameP99, line.first_frame_ms_max, scenario->limits);
  return line.scale == 1 ? *scenario : scaled(std::move(*scenario), line.scale);
}

}  // namespace simpul::load
