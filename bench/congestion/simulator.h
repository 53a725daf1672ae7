#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "base/time.h"
#include "bwe/estimator.h"
#include "rtp/transport_feedback_builder.h"

namespace simpul::congestion {

using bwe::Estimator;
using bwe::Probe;
using bwe::ProbeId;

// A path whose capacity follows a schedule, with a drop-tail queue in front of it.
struct PathProfile {
  struct Step {
    Duration at{};
    double bps = 0;
  };
  std::vector<Step> capacity;
  Duration queue = std::chrono::milliseconds(300);
  double loss = 0;  // random, behind the queue
  Duration loss_from{};
  Duration loss_until = Duration::max();
  Duration jitter{};         // anything up to it, order kept
  double feedback_loss = 0;  // of reports on their way back
  // A policer drops what exceeds the capacity by this burst, without a queue.
  std::optional<double> policer_burst_bytes = {};
};

struct FlowProfile {
  Duration start{};
  Duration one_way = std::chrono::milliseconds(50);
  double start_bps = 300'000;
  // What the source may send: the estimate up to a maximum, or of each slot one of these layers.
  double max_bps = 5'000'000;
  std::vector<double> layers = {};
  size_t slots = 1;
  double audio_bps = 0;       // before all else, in packets of 20 ms
  double key_frame_size = 4;  // of an ordinary frame of the same layer
  // Nothing is sent in between.
  std::optional<std::pair<Duration, Duration>> pause = {};
  double clock_drift = 0;  // of the receiver's clock, seconds a second
  // What is lost is sent once more, as receivers with RTX ask for it; without, no probe is sent.
  bool has_rtx = true;
};

struct Sample {
  double second = 0;
  double capacity_bps = 0;
  double target_bps = 0;
  double sent_bps = 0;
  double queue_ms = 0;
  std::vector<int> layers = {};  // of the slots; negative: paused
};

struct FlowResult {
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

// Senders with an estimator each, receivers that report as the relay's own do, and one bottleneck
// that they share, at virtual time: the same seed, the same result.
class Simulator {
 public:
  Simulator(const PathProfile& path, const std::vector<FlowProfile>& flows, uint64_t seed);
  ~Simulator();

  std::vector<FlowResult> run(Duration duration);

 private:
  struct Flow;
  struct Event {
    Duration at;
    uint64_t order;
    std::function<void()> act;
    friend bool operator>(const Event& a, const Event& b) {
      return std::tie(a.at, a.order) > std::tie(b.at, b.order);
    }
  };

  void at(Duration time, std::function<void()> act);
  double capacity(Duration time) const;
  double random() { return std::uniform_real_distribution<>(0, 1)(random_); }
  // Nothing: it will not arrive.
  std::optional<Duration> send(Flow& flow, size_t size, ProbeId probe);
  bool is_lost();  // by chance
  struct Piece {   // of a picture
    uint64_t picture = 0;
    size_t size = 0;
    int sent = 0;
  };
  void send_media(Flow& flow, Piece piece);
  static void decode(Flow& flow, double second);
  double layered_bits(Flow& flow);             // of a frame
  std::optional<Duration> cross(size_t size);  // when it leaves the bottleneck
  void send_audio(Flow& flow);
  void send_frame(Flow& flow);
  void send_probe(Flow& flow, const Probe& probe);
  void report(Flow& flow);
  void take_report(Flow& flow, const std::vector<uint8_t>& compound);
  void advance(Flow& flow);
  void sample(Flow& flow);

  PathProfile path_;
  std::vector<std::unique_ptr<Flow>> flows_;
  std::mt19937_64 random_;
  Duration now_{};
  uint64_t order_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  Duration free_at_{};  // the bottleneck
  double tokens_ = 0;
  Duration tokens_at_{};
};

// The most that audio and one layer in each slot can make within a capacity; 0 when nothing fits.
double allowed_bps(const FlowProfile& flow, double capacity_bps);

// Jain's index of fairness: 1 when all are equal.
double fairness(const std::vector<double>& rates);

}  // namespace simpul::congestion
