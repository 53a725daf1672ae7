#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/viewer_media.h"

namespace simpul::load {

// What one process cost over the measured time, in shares of one core.
struct OwnCost {
  double cpu_share = 0;
  double wait_share = 0;  // ready to run, and the core had other work
  uint64_t socket_overflows = 0;
  // What it reports of the relay is then about itself too.
  bool is_bottleneck() const { return cpu_share + wait_share > 0.95 || socket_overflows > 0; }
};

// What a run saw. Times in milliseconds, CPU in microseconds.
struct Report {
  unsigned rooms = 1;
  unsigned publishers = 0;
  unsigned viewers = 0;
  unsigned connected = 0;  // of the viewers
  double seconds = 0;
  // Of what the publishers made within the measured time: packets that all viewers together should
  // have got, and what they did get.
  uint64_t expected = 0;
  MediaCounts received;
  uint64_t viewers_with_loss = 0;
  double viewer_loss_max = 0;          // of the one who lost most, 0 to 1
  std::vector<double> delay_ms;        // sampled: made by the publisher to received
  std::vector<double> first_frame_ms;  // POST to the first whole frame
  OwnCost own;
  double relay_cpu_us_per_packet = 0;  // 0 without --relay-pid
  double relay_cpu_share = 0;          // of one core
  double relay_kib_per_viewer = 0;

  uint64_t lost() const { return expected - std::min(expected, received.packets); }
  double loss() const;
};

// What a run must keep to; without a value everything is good enough.
struct Limits {
  std::optional<double> loss;  // 0 to 1, after repair
  std::optional<double> delay_ms_p99;
  std::optional<double> first_frame_ms_p99;
};

// One line for each thing that is wrong: a viewer without a connection or a picture, a packet that
// is not as it was made, a limit that is broken.
std::vector<std::string> complaints(Report report, const Limits& limits);

std::string to_text(Report report);
std::string to_json(Report report, const std::vector<std::string>& complaints);

}  // namespace simpul::load
