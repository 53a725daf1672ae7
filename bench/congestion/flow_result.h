#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/time.h"

namespace simpul::congestion {

struct Sample {
  double second = 0;
  double capacity_bps = 0;
  double target_bps = 0;
  double sent_bps = 0;
  double queue_ms = 0;
  std::vector<int> layers = {};  // of the slots; negative: paused
};

// What became of one flow, or of all downloads together.
struct FlowResult {
  bool is_backward = false;     // on the path back
  bool is_download = false;     // no media: what other programs fetch over the same path
  std::vector<Sample> samples;  // ten a second
  uint64_t received_bytes = 0;
  uint64_t sent_packets = 0;
  uint64_t lost_packets = 0;
  uint64_t sent_audio = 0;  // packets
  uint64_t lost_audio = 0;
  std::vector<double> queue_ms;  // of each packet that arrived
  // When a picture could be decoded, as all of it and of those that it needs had arrived: of layers
  // in one slot.
  std::vector<double> pictures;
  std::vector<std::pair<double, std::vector<int>>> layer_switches;  // second, layers then

  double mean_bps(double from, double to) const;  // of what was sent
  // Switches of layers in between, a minute.
  double switches_a_minute(double from, double to) const;
  // The first second from `from` on from which on the first slot carries that layer for two
  // seconds; negative: never.
  double layer_settled(int layer, double from) const;
  double queue_percentile(double share) const;
  double longest_gap(double from, double to) const;  // without a picture, seconds
  // The first second from `from` on at which the target reached a rate; negative: never.
  double reached(double bps, double from) const;
  // The first second from `from` on after which the queue was no longer than that for a second;
  // negative: never.
  double queue_settled(double milliseconds, double from) const;
};

// Jain's index of fairness: 1 when all are equal.
double fairness(const std::vector<double>& rates);

}  // namespace simpul::congestion
