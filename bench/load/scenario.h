#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/expected.h"
#include "base/time.h"
#include "bench/load/limits.h"
#include "dtls/srtp_keys.h"

namespace simpul::load {

enum class Codec { kVp8, kVp9, kH264, kAv1 };
enum class Pacing { kFrames, kBursts };

// What a client's camera makes.
struct VideoSettings {
  Codec codec = Codec::kVp8;
  uint32_t bitrate_bps = 1'500'000;  // of the largest layer
  uint32_t frames_per_second = 30;
  uint16_t width = 1280;
  uint16_t height = 720;
  uint8_t layers = 1;  // of simulcast, each half as wide as the one above
  uint8_t temporal_layers = 1;
  Pacing pacing = Pacing::kFrames;  // a whole frame at once, or in bursts
  uint32_t burst_packets = 3;
  Duration burst_interval = std::chrono::milliseconds(5);
  Duration encode_time = std::chrono::milliseconds(5);
};

// What a client's microphone makes.
struct AudioSettings {
  uint32_t bitrate_bps = 32'000;
  bool dtx = false;           // silence is hardly sent
  bool always_talks = false;  // instead of talking for a while and listening for a while
};

// One direction of a client's network.
struct NetworkSettings {
  double loss = 0;            // 0 to 1, at random
  double burst_loss = 0;      // 0 to 1, the mean over all; lost in bursts (Gilbert-Elliott)
  double burst_packets = 10;  // mean length of such a burst
  Duration delay{0};
  Duration jitter{0};
  uint64_t rate_bps = 0;  // 0: no limit
  Duration queue = std::chrono::milliseconds(200);

  friend bool operator==(const NetworkSettings&, const NetworkSettings&) = default;
};

// People who have the same devices and the same network.
struct ClientClass {
  std::string name = "default";
  bool has_audio = true;
  bool has_video = true;
  VideoSettings video{};
  AudioSettings audio{};
  // What benchmarks compare with a floor: video frames all of one size, sound of bytes that nobody
  // could hear, each packet as large as the others.
  bool plain = false;
  NetworkSettings up{};    // from the client
  NetworkSettings down{};  // to the client
  // Of the viewers, how many decrypt and check what they get; the rest count it only.
  double decrypting_share = 1;
};

enum class PhaseKind { kStage, kTables, kPairs, kAudio, kStorm, kChurn, kRoam, kTurns };
inline constexpr size_t kPhaseKinds = 8;
std::string_view name_of(PhaseKind kind);

// A part of a run: people come, do what its kind says for `duration`, and go. Which of the numbers
// count depends on the kind.
struct Phase {
  PhaseKind kind = PhaseKind::kStage;
  std::string name = {};
  std::string room = {};                         // several rooms: room-1, room-2 and so on
  std::optional<Duration> start = {};            // of the run; without: when all before it are over
  Duration join{0};                              // the first to come are spread over so long
  Duration duration = std::chrono::seconds(30);  // from when all of these have a picture
  uint32_t rooms = 1;                            // of a stage, of tables
  uint32_t publishers = 1;                       // in each room
  uint32_t viewers = 100;                        // in each room
  uint32_t hears = 1;   // speakers at once, by each viewer of a stage; with several it names nobody
  uint32_t sees = 1;    // the same of those who are seen
  uint32_t people = 4;  // at each table
  uint32_t pairs = 50;
  uint32_t microphones = 500;
  uint32_t joins = 1000;                      // of a storm
  Duration within = std::chrono::seconds(5);  // a storm's joins
  double rate = 1;                            // of a churn: leave a second, as many come
  Duration every = std::chrono::seconds(30);  // pairs change, speakers do, or each viewer roams
  size_t publisher_class = 0;
  size_t viewer_class = 0;
  Limits limits = {};

  // Who is heard and seen is the viewer's wish; otherwise the relay's choice.
  bool names_publishers() const { return hears == 1 && sees == 1; }
};

// What a run does, and what it must keep to.
struct Scenario {
  std::string name = "load";
  Address server = Address::v4({127, 0, 0, 1}, 8080);
  uint64_t seed = 1;
  // For comparisons, by flags only.
  Address local = Address::v4({127, 0, 0, 1}, 0);      // of the clients' sockets
  std::optional<dtls::SrtpProfile> srtp_profile = {};  // the only one that clients offer
  bool silent = false;                                 // publishers send nothing
  std::vector<ClientClass> classes = {ClientClass{}};  // the first is the one without a name
  std::vector<Phase> phases = {};
  Limits limits = {};  // of each phase
};

inline constexpr size_t kScenarioSizeMax = 256 * 1024;
inline constexpr size_t kClassesMax = 64;
// Of a scenario's file and of the flags that stand for one.
inline constexpr uint32_t kRoomsMax = 10'000;
inline constexpr uint32_t kPublishersMax = 100;  // of a stage, in each room
inline constexpr uint32_t kPeopleMax = 20'000;   // who watch or join, in each room
inline constexpr uint32_t kTableMax = 50;
inline constexpr Duration kDurationMax = std::chrono::hours(24);
inline constexpr uint32_t kVideoKbpsMin = 50;
inline constexpr uint32_t kVideoKbpsMax = 20'000;
inline constexpr uint32_t kAudioKbpsMin = 16;
inline constexpr uint32_t kAudioKbpsMax = 256;
inline constexpr uint32_t kFramesPerSecondMax = 60;
inline constexpr uint32_t kBurstPacketsMax = 64;
inline constexpr size_t kPhasesMax = 64;
inline constexpr uint32_t kSlotsMax = 16;  // of a viewer, of each kind: as many as a relay allows
inline constexpr uint32_t kClientsMax = 100'000;  // connections of a run, one after the other too
// Of turns: the next speaker comes so long before the one there goes.
inline constexpr Duration kTurnOverlap = std::chrono::seconds(2);
// Before a phase ends nobody comes any more, so that everybody can have a picture.
inline constexpr Duration kQuietEnd = std::chrono::seconds(3);

// Reads and checks a whole scenario. The error is one line with file, line, key and reason:
// "stage.toml:12:11: phases[0].viewers: must be 0 to 20000". Each of `overrides` is "key=value", as
// "phases[0].viewers=20" or, by a phase's name, "phases.keynote.duration=\"10s\"".
Expected<Scenario, std::string> load_scenario(const std::string& path,
                                              std::span<const std::string> overrides = {});
Expected<Scenario, std::string> parse_scenario(std::string_view toml, std::string_view name,
                                               std::span<const std::string> overrides = {});

// What a phase must keep to: its own limits, and those of the scenario that it does not replace and
// that it can be judged by.
Limits limits_of(const Scenario& scenario, size_t phase);
// Why there can be no such value in a phase, whatever happens; nothing when there can.
std::optional<std::string_view> cannot_judge(const Scenario& scenario, const Phase& phase,
                                             Metric metric);
// The first limit that a run would have to break because nothing will tell of it, with the reason.
std::optional<std::string> unjudged_limit(const Scenario& scenario, bool measures_relay);

// The same scenario with `factor` times as many viewers, rooms, pairs, microphones and joins, each
// at least one.
Scenario scaled(Scenario scenario, double factor);

}  // namespace simpul::load
