#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/impairment/path.h"
#include "bench/load/histogram.h"
#include "bench/load/last_viewer.h"
#include "bench/load/limits.h"
#include "bench/load/viewer_media.h"

namespace simpul::load {

// What simpul-load itself needed over the measured time, in shares of one core.
struct OwnCost {
  static constexpr double kFullShare = 0.9;
  static constexpr double kLateMs = 10;

  double cpu_share = 0;
  double cpu_share_max = 0;  // of one second
  double wait_share = 0;     // ready to run, and the core had other work
  uint64_t socket_overflows = 0;
  double late_ms_p99 = 0;  // so late its timers were
  // What it reports of the relay is then about itself, or its machine, too.
  bool is_bottleneck() const {
    return cpu_share + wait_share > kFullShare || cpu_share_max > kFullShare ||
           socket_overflows > 0 || late_ms_p99 > kLateMs;
  }
};

// What a phase, or all of them together, saw. Times in milliseconds, CPU in microseconds.
struct PhaseReport {
  std::string name = {};
  std::string kind = {};
  Limits limits = {};
  // Seconds of the run: when the first came, when all were there, when they went.
  double began = 0;
  double measured_from = 0;
  double ended = 0;
  double seconds = 0;  // measured; of several phases, each for itself
  double wall = 0;     // the same, but those beside one another count once

  uint64_t rooms = 0;
  uint64_t publishers = 0;
  uint64_t viewers = 0;     // connections that watch, one after the other too
  uint64_t connected = 0;   // of the viewers
  uint64_t left_early = 0;  // of the viewers: by plan, before there was a picture
  uint64_t roams = 0;
  uint64_t joins_failed = 0;               // of all
  uint64_t join_retries = 0;               // the relay said: later
  std::vector<std::string> failures = {};  // why, the first few

  // Of what the publishers made within the measured time: packets that all viewers together should
  // have got, and what they did get.
  uint64_t expected = 0;
  MediaCounts received = {};
  // Datagrams of all kinds, for as long as they were there: what the scenario's own networks did.
  impairment::PathCounts network = {};
  uint64_t viewers_with_loss = 0;
  double viewer_loss_max = 0;     // of the one who lost most, 0 to 1
  uint64_t watched_pictures = 0;  // viewers whose freezes are known
  uint64_t freezes = 0;
  double frozen_ms_max = 0;     // the longest time between two frames, or without one at the end
  uint64_t stood_still = 0;     // viewers to whom nothing new came any more
  Histogram delay = {};         // of each: sent by the publisher to in the viewer's socket
  LastViewer last_viewer = {};  // the same, of whoever got a frame last
  std::vector<double> first_frame_ms = {};  // the wish to join to the first whole frame
  std::vector<double> gap_ms = {};          // who moved: without a picture
  std::vector<double> switch_ms = {};       // another one in a slot: the last frame to the first
  std::vector<double> viewer_loss = {};     // of each, 0 to 1
  bool is_silent = false;                   // nothing was sent, so nothing is missed

  OwnCost own = {};
  uint64_t forwarded = 0;       // datagrams that all viewers got within the measured time
  uint64_t feedback = 0;        // messages that they sent the relay then
  uint64_t feedback_bytes = 0;  // of these, before they were sealed
  bool relay_measured = false;  // its process was there from the beginning to the end
  double relay_cpu_seconds = 0;
  double relay_kib_per_viewer = 0;

  uint64_t lost() const { return expected - std::min(expected, received.packets); }
  double loss() const;
  double relay_cpu_us_per_packet() const;
  double relay_cpu_share() const;

  // Adds what another phase saw.
  PhaseReport& operator+=(const PhaseReport& other);
};

// What there was in one second of a run. Shares are of one core. Some of it nobody may have
// measured: no packet was timed, or the relay's process was not there.
struct Second {
  double at = 0;
  uint64_t present = 0;
  uint64_t joining = 0;
  double packets = 0;   // received
  double expected = 0;  // of those who are measured
  double mbit = 0;
  std::optional<double> delay_p50 = {};
  std::optional<double> delay_p99 = {};
  std::optional<double> relay_cpu = {};
  std::optional<double> relay_mib = {};
  double own_cpu = 0;
  double own_wait = 0;
};

struct Report {
  std::string scenario = {};
  uint64_t seed = 0;
  std::string server = {};
  std::string machine = {};
  std::string sockets = {};  // which options the clients' sockets have
  bool has_relay = false;    // its CPU was measured
  bool interrupted = false;
  std::vector<PhaseReport> phases = {};
  std::vector<Second> seconds = {};

  PhaseReport total() const;
};

// Zero when there is none.
double percentile(std::vector<double> values, double share);
double value_of(const PhaseReport& report, Metric metric);
// Why there is no such value; nothing when there is.
std::optional<std::string_view> why_unknown(const PhaseReport& report, Metric metric);

// One line for each thing that is wrong: somebody without a connection or a picture, or whose
// picture stopped, a packet that is not as it was made, a limit that is broken or that nothing
// tells of.
std::vector<std::string> complaints(const PhaseReport& report);
// Of all phases, each line with its phase where there are several.
std::vector<std::string> complaints(const Report& report);

std::string to_text(const Report& report);
std::string to_json(const Report& report, const std::vector<std::string>& complaints);

}  // namespace simpul::load
