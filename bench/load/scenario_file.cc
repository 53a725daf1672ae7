#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <vector>

#include "bench/load/scenario.h"
#include "bench/load/scenario_override.h"
#include "bench/load/toml_section.h"
#include "config/values.h"

namespace simpul::load {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::string_view, kPhaseKinds> kKinds = {"stage", "tables", "pairs", "audio",
                                                              "storm", "churn",  "roam",  "turns"};
constexpr std::array<std::string_view, 4> kCodecs = {"vp8", "vp9", "h264", "av1"};
constexpr std::array<std::string_view, 2> kPacings = {"frames", "bursts"};

void read_video(TomlSection& section, VideoSettings& video) {
  uint32_t kbps = video.bitrate_bps / 1000;
  if (const auto codec = section.choice("codec", kCodecs)) {
    video.codec = static_cast<Codec>(*codec);
  }
  section.number("bitrate_kbps", kVideoKbpsMin, kVideoKbpsMax, kbps);
  video.bitrate_bps = kbps * 1000;
  section.number("fps", 1, kFramesPerSecondMax, video.frames_per_second);
  section.number("width", 16, 7680, video.width);
  section.number("height", 16, 4320, video.height);
  section.number("layers", 1, 3, video.layers);
  section.number("temporal_layers", 1, 3, video.temporal_layers);
  if (video.temporal_layers == 2) section.refuse("temporal_layers", "must be 1 or 3");
  if (video.temporal_layers > 1 && video.codec == Codec::kH264) {
    section.refuse("temporal_layers", "H.264 has none: nothing in its packets would tell of them");
  }
  if (const auto pacing = section.choice("pacing", kPacings)) {
    video.pacing = static_cast<Pacing>(*pacing);
  }
  if (video.pacing == Pacing::kFrames) {
    for (const auto* key : {"burst_packets", "burst_interval"}) {
      if (section.has(key)) section.refuse(key, "needs pacing = \"bursts\"");
    }
  }
  section.number("burst_packets", 1, kBurstPacketsMax, video.burst_packets);
  section.duration("burst_interval", 1ms, 40ms, video.burst_interval);
  section.duration("encode_time", 0ms, 1s, video.encode_time);
}

void read_audio(TomlSection& section, AudioSettings& audio) {
  uint32_t kbps = audio.bitrate_bps / 1000;
  section.number("bitrate_kbps", kAudioKbpsMin, kAudioKbpsMax, kbps);
  audio.bitrate_bps = kbps * 1000;
  section.flag("dtx", audio.dtx);
  section.flag("always_talks", audio.always_talks);
}

void read_network(TomlSection& section, NetworkSettings& network) {
  uint64_t kbps = network.rate_bps / 1000;
  section.real("loss", 0, 1, network.loss);
  section.real("burst_loss", 0, 0.5, network.burst_loss);
  section.real("burst_packets", 1, 1000, network.burst_packets);
  if (section.has("burst_packets") && network.burst_loss <= 0) {
    section.refuse("burst_packets", "needs burst_loss");
  }
  section.duration("delay", 0ms, 10s, network.delay);
  section.duration("jitter", 0ms, 10s, network.jitter);
  section.number("rate_kbps", 0, 10'000'000, kbps);
  network.rate_bps = kbps * 1000;
  if (section.has("queue") && network.rate_bps == 0) section.refuse("queue", "needs rate_kbps");
  section.duration("queue", 1ms, 10s, network.queue);
}

void read_class(TomlSection& section, ClientClass& people) {
  section.flag("plain", people.plain);
  section.section_or_false("video", people.has_video,
                           [&people](TomlSection& inner) { read_video(inner, people.video); });
  section.section_or_false("audio", people.has_audio, [&people](TomlSection& inner) {
    if (people.plain) return inner.finish("plain sound has no settings");
    read_audio(inner, people.audio);
  });
  if (!people.has_audio && !people.has_video) {
    section.refuse("audio", "without video there must be audio");
  }
  section.section("up", [&people](TomlSection& inner) { read_network(inner, people.up); });
  section.section("down", [&people](TomlSection& inner) { read_network(inner, people.down); });
  section.real("decrypting_share", 0, 1, people.decrypting_share);
  const bool is_plain_video = people.video.codec == Codec::kVp8 && people.video.layers == 1;
  if (people.plain && !is_plain_video) section.refuse("plain", "is VP8 in one layer");
}

void read_limits(TomlSection& section, Limits& limits) {
  for (const MetricName& metric : kMetricNames) {
    if (!section.has(metric.name)) continue;
    Limit limit{.metric = metric.metric};
    section.real(metric.name, 0, 1e9, limit.most);
    limits.push_back(limit);
  }
}

class PhaseReader {
 public:
  PhaseReader(TomlSection& section, const Scenario& scenario, Phase& phase)
      : section_(section), scenario_(scenario), phase_(phase) {}

  void read();

 private:
  void read_common();
  void read_kind();
  void read_class_name(std::string_view key, size_t& index);
  void check();

  TomlSection& section_;
  const Scenario& scenario_;
  Phase& phase_;
};

void PhaseReader::read() {
  const auto kind = section_.choice("kind", kKinds);
  if (!kind) return section_.refuse("kind", "every phase needs a kind");
  phase_.kind = static_cast<PhaseKind>(*kind);
  if (phase_.kind == PhaseKind::kAudio) phase_.viewers = 10;
  read_common();
  read_kind();
  check();
  section_.finish("unknown key of a phase of kind " + std::string(name_of(phase_.kind)));
}

void PhaseReader::read_common() {
  phase_.name = name_of(phase_.kind);
  section_.name("name", phase_.name);
  const auto same = [this](const Phase& other) { return other.name == phase_.name; };
  if (std::ranges::any_of(scenario_.phases, same)) {
    section_.refuse("name", "another phase is called \"" + phase_.name + "\" too");
  }
  phase_.room = phase_.name;
  section_.name("room", phase_.room);
  if (section_.has("start")) {
    section_.duration("start", 0ms, 24h, phase_.start.emplace());
  }
  section_.duration("join", 0ms, 1h, phase_.join);
  section_.duration("duration", 1s, kDurationMax, phase_.duration);
  read_class_name("publisher_class", phase_.publisher_class);
  read_class_name("viewer_class", phase_.viewer_class);
  section_.section("limits", [this](TomlSection& inner) { read_limits(inner, phase_.limits); });
}

void PhaseReader::read_class_name(std::string_view key, size_t& index) {
  std::string name = "default";
  section_.name(key, name);
  const auto found = std::ranges::find(scenario_.classes, name, &ClientClass::name);
  if (found == scenario_.classes.end()) {
    return section_.refuse(key, "there is no [clients." + name + "]");
  }
  index = static_cast<size_t>(found - scenario_.classes.begin());
}

void PhaseReader::read_kind() {
  switch (phase_.kind) {
    case PhaseKind::kTables:
      section_.number("rooms", 1, kRoomsMax, phase_.rooms);
      return section_.number("people", 2, kTableMax, phase_.people);
    case PhaseKind::kPairs:
      section_.number("pairs", 1, 5'000, phase_.pairs);
      return section_.duration("every", 1s, 1h, phase_.every);
    case PhaseKind::kAudio:
      section_.number("microphones", 1, 10'000, phase_.microphones);
      section_.number("hears", 1, kSlotsMax, phase_.hears);
      return section_.number("viewers", 1, kPeopleMax, phase_.viewers);
    case PhaseKind::kTurns:
      phase_.every = 5s;
      section_.number("viewers", 1, kPeopleMax, phase_.viewers);
      return section_.duration("every", kTurnOverlap + 1s, 1h, phase_.every);
    case PhaseKind::kStage:
      section_.number("rooms", 1, kRoomsMax, phase_.rooms);
      break;
    case PhaseKind::kStorm:
      section_.number("joins", 1, kPeopleMax, phase_.joins);
      section_.duration("within", 0ms, 1h, phase_.within);
      break;
    case PhaseKind::kChurn:
      section_.real("rate", 0.01, 1'000, phase_.rate);
      break;
    case PhaseKind::kRoam:
      section_.duration("every", 1s, 1h, phase_.every);
      break;
  }
  section_.number("publishers", 1, kPublishersMax, phase_.publishers);
  section_.number("hears", 1, kSlotsMax, phase_.hears);
  section_.number("sees", 1, kSlotsMax, phase_.sees);
  const bool alone = phase_.kind == PhaseKind::kStorm;  // those who storm may be the first
  section_.number("viewers", alone ? 0 : 1, kPeopleMax, phase_.viewers);
}

void PhaseReader::check() {
  if (phase_.kind == PhaseKind::kStorm && phase_.within + kQuietEnd > phase_.duration) {
    section_.refuse("within", "must end 3s before duration, so that the last can be watched");
  }
  if (phase_.kind == PhaseKind::kTurns && phase_.every + kQuietEnd > phase_.duration) {
    section_.refuse("every", "must leave 3s of duration, so that there is a turn to be watched");
  }
  const ClientClass& publishers = scenario_.classes[phase_.publisher_class];
  const ClientClass& viewers = scenario_.classes[phase_.viewer_class];
  if ((viewers.has_video && !publishers.has_video) ||
      (viewers.has_audio && !publishers.has_audio)) {
    section_.refuse("viewer_class", "wants what publisher_class does not send");
  }
  const bool is_audio = phase_.kind == PhaseKind::kAudio;
  const uint32_t publish = is_audio ? phase_.microphones : phase_.publishers;
  if (phase_.hears > publish) section_.refuse("hears", "is more than there are publishers");
  if (phase_.sees > publish) section_.refuse("sees", "is more than there are publishers");
  if (phase_.hears > 1 && !viewers.has_audio) section_.refuse("hears", "needs audio");
  if (phase_.sees > 1 && !viewers.has_video) section_.refuse("sees", "needs video");
  for (const Limit& limit : phase_.limits) {
    if (const auto why = cannot_judge(scenario_, phase_, limit.metric)) {
      section_.refuse(
          "limits", std::string(name_of(limit.metric)) + " cannot be judged: " + std::string(*why));
    }
  }
}

void read_root(TomlSection& root, Scenario& scenario) {
  root.name("name", scenario.name);
  std::string server = scenario.server.to_string();
  root.text("server", server);
  if (const auto address = config::parse_endpoint(server)) {
    scenario.server = *address;
  } else {
    root.refuse("server", "must be an address and a port, like \"127.0.0.1:8080\"");
  }
  root.number("seed", 0, UINT32_MAX, scenario.seed);
  root.each_section("clients", [&scenario, &root](TomlSection& section, std::string_view name) {
    if (scenario.classes.size() > kClassesMax) return root.refuse("clients", "too many classes");
    ClientClass people{.name = std::string(name)};
    read_class(section, people);
    if (name == "default") {
      scenario.classes.front() = std::move(people);
    } else {
      scenario.classes.push_back(std::move(people));
    }
  });
  root.section("limits", [&scenario](TomlSection& inner) { read_limits(inner, scenario.limits); });
  root.list("phases", kPhasesMax, [&scenario](TomlSection& section) {
    Phase phase;
    PhaseReader(section, scenario, phase).read();
    scenario.phases.push_back(std::move(phase));
  });
  if (scenario.phases.empty()) root.refuse("phases", "there must be at least one [[phases]]");
  root.finish();
}

}  // namespace

Expected<Scenario, std::string> parse_scenario(std::string_view toml, std::string_view name,
                                               std::span<const std::string> overrides) {
  Problems problems(name);
  auto parsed = toml::parse(config::ascii_of(toml), name);
  if (!parsed) {
    problems.add(parsed.error().source(), "", parsed.error().description());
    return unexpected(*problems.first());
  }
  toml::table root = std::move(parsed).table();
  for (const std::string& text : overrides) override_key(root, text, problems);
  Scenario scenario;
  TomlSection section(root, "", problems);
  read_root(section, scenario);
  if (problems.first()) return unexpected(*problems.first());
  return scenario;
}

Expected<Scenario, std::string> load_scenario(const std::string& path,
                                              std::span<const std::string> overrides) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return unexpected(path + ": cannot be opened");
  std::string text(kScenarioSizeMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) return unexpected(path + ": cannot be read");
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.size() > kScenarioSizeMax) return unexpected(path + ": is too large for a scenario");
  return parse_scenario(text, path, overrides);
}

}  // namespace simpul::load
