#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/expected.h"
#include "bench/load/scenario.h"

namespace simpul::load {

// What simpul-load was told on its command line.
struct CommandLine {
  std::string file;  // a scenario; empty: one is made of the flags
  std::vector<std::string> overrides;
  double scale = 1;
  bool check = false;
  bool quiet = false;
  std::string json;  // a file, or "-"
  std::string html;
  std::optional<unsigned> cpu;
  int relay_pid = 0;
  std::optional<std::string> host;  // of the relay's HTTP
  std::optional<uint16_t> port;

  // Of a run without a scenario.
  Phase phase = {.name = "load", .room = "load", .duration = std::chrono::seconds(10)};
  bool pairs = false;
  uint32_t table = 0;
  uint32_t bitrate_kbps = 1500;
  uint32_t frames_per_second = 30;
  uint32_t burst_packets = 0;  // of a frame; 0: at once
  bool audio_only = false;

  // Of both.
  std::optional<uint32_t> seconds;  // instead of 10, or of the one phase's duration
  std::optional<uint32_t> seed;
  bool silent = false;
  std::string srtp_profile;
  std::string local = "127.0.0.1";
  std::optional<double> loss_max;
  std::optional<double> delay_ms_max;
  std::optional<double> first_frame_ms_max;
};

void describe(CLI::App& app, CommandLine& line);
// The first of the flags given that say who is there and what they do, beside a scenario, which
// says so itself: why it is refused, as one line. `app` has parsed `line`.
std::optional<std::string> misplaced_flag(const CLI::App& app, const CommandLine& line);
// The error is one line.
Expected<Scenario, std::string> scenario_of(const CommandLine& line);

}  // namespace simpul::load
