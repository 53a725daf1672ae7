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
#include "bench/congestion/bottleneck.h"
#include "bench/congestion/flow_result.h"
#include "bench/congestion/tcp_sender.h"
#include "bwe/estimator.h"
#include "rtp/transport_feedback_builder.h"

namespace simpul::congestion {

using bwe::Estimator;
using bwe::Probe;
using bwe::ProbeId;

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
  // Of what is sent that share never reaches the relay, or only when it was sent again.
  double uplink_loss = 0;
  Duration uplink_loss_from{};
  bool estimates_itself = false;  // the receiver, which reports on no packet (REMB)
  bool is_backward = false;       // on the path back, and its reports on the other
};

// What somebody else fetches over TCP.
struct DownloadProfile {
  Duration start{};
  Duration one_way = std::chrono::milliseconds(50);
  // Files of this size, from, to, and pauses of that mean after each; otherwise one without an end.
  std::optional<std::pair<double, double>> file_bytes = {};
  Duration pause = std::chrono::seconds(10);
  bool begins_with_pause = false;
};

// Who is on which path.
struct Traffic {
  PathProfile path;
  // Reports leave on it, and what flows the other way; otherwise nothing but their loss hinders
  // them.
  std::optional<PathProfile> back = {};
  std::vector<FlowProfile> flows = {};
  std::vector<DownloadProfile> downloads = {};
};

// Senders with an estimator each, receivers that report as the relay's own do, and one bottleneck
// that they share, at virtual time: the same seed, the same result.
class Simulator {
 public:
  Simulator(const Traffic& traffic, uint64_t seed);
  ~Simulator();

  // Of each flow, then of all downloads together where there are any.
  std::vector<FlowResult> run(Duration duration);

 private:
  struct Flow;
  struct Download;
  struct Event {
    Duration at;
    uint64_t order;
    std::function<void()> act;
    friend bool operator>(const Event& a, const Event& b) {
      return std::tie(a.at, a.order) > std::tie(b.at, b.order);
    }
  };

  void at(Duration time, std::function<void()> act);
  double random() { return std::uniform_real_distribution<>(0, 1)(random_); }
  // Nothing: it will not arrive.
  std::optional<Duration> send(Flow& flow, size_t size, ProbeId probe, bool has_time = true);
  bool is_lost(const PathProfile& path);  // by chance
  struct Piece {                          // of a picture
    uint64_t picture = 0;
    size_t size = 0;
    int sent = 0;
  };
  void send_media(Flow& flow, Piece piece);
  static void decode(Flow& flow, double second);
  double layered_bits(Flow& flow);  // of a frame
  std::optional<Duration> late_to_relay(const Flow& flow);
  Bottleneck& path_of(const Flow& flow);
  void send_audio(Flow& flow);
  void send_frame(Flow& flow);
  void send_probe(Flow& flow, const Probe& probe);
  void arrive(Flow& flow, rtp::SequenceNumber number, size_t size, Duration sent_at);
  void report(Flow& flow);
  std::optional<Duration> carry_report(Flow& flow, size_t size);
  void take_report(Flow& flow, const std::vector<uint8_t>& compound);
  void advance(Flow& flow);
  void sample(Flow& flow);
  Duration pause_of(const DownloadProfile& profile);
  void begin(Download& download);
  void fetch(Download& download);
  void advance(Download& download);
  void sample_downloads();

  std::vector<Bottleneck> paths_;  // there, and back where that is one
  std::vector<std::unique_ptr<Flow>> flows_;
  std::vector<std::unique_ptr<Download>> downloads_;
  FlowResult downloaded_;
  double downloaded_bytes_ = 0;  // since the last sample
  std::mt19937_64 random_;
  Duration now_{};
  uint64_t order_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
};

// The most that audio and one layer in each slot can make within a capacity; 0 when nothing fits.
double allowed_bps(const FlowProfile& flow, double capacity_bps);

}  // namespace simpul::congestion
