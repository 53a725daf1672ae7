#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace simpul::load {

// What a run saw. Times in milliseconds, CPU in microseconds.
struct Report {
  unsigned viewers = 0;
  unsigned connected = 0;
  double seconds = 0;
  uint64_t packets = 0;  // received by all viewers within the measured time
  uint64_t lost = 0;     // holes in their sequence numbers
  uint64_t bytes = 0;
  std::vector<double> delay_ms;        // sampled: made by the publisher to received
  std::vector<double> first_frame_ms;  // POST to the first whole frame
  double relay_cpu_us_per_packet = 0;  // 0 without --relay-pid
  double relay_cpu_share = 0;          // of one core
  double relay_kib_per_viewer = 0;
};

std::string to_text(Report report);
std::string to_json(Report report);

}  // namespace simpul::load
