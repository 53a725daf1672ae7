#include "bench/congestion/simulator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "bench/congestion/layered_source.h"
#include "rtp/rtcp_reader.h"
#include "rtp/rtcp_writer.h"

namespace simpul::congestion {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr size_t kPacketSize = 1'200;
constexpr size_t kPaddingSize = 270;  // RTX padding: 255 bytes and a header
constexpr Duration kFrame = microseconds(33'333);
constexpr Duration kReportInterval = milliseconds(100);
constexpr Duration kSampleInterval = milliseconds(100);
constexpr double kPacing = 2.5;  // of the target, within a frame
constexpr Duration kAudioFrame = milliseconds(20);
constexpr Duration kRepair = milliseconds(20);  // beside the round trip, until it is sent again
constexpr Duration kPacedMax = milliseconds(250);
const TimePoint kZero = TimePoint(std::chrono::hours(1));

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }
Duration duration_of(double seconds) { return Duration(std::llround(seconds * 1e6)); }

}  // namespace

struct Simulator::Flow {
  explicit Flow(const FlowProfile& wanted)
      : profile(wanted),
        estimator({.start_bps = wanted.start_bps, .max_bps = wanted.max_bps * 1.5}),
        source(wanted.layers, wanted.layers.empty() ? 0 : wanted.slots, wanted.audio_bps,
               wanted.key_frame_size) {}

  struct Picture {
    size_t missing = 0;  // packets
    bool is_key = false;
  };

  FlowProfile profile;
  Estimator estimator;
  LayeredSource source;
  rtp::TransportFeedbackBuilder reports;
  uint16_t next_number = 0;
  double unsent_bytes = 0;  // of the source
  Duration last_arrival{};
  Duration probing_until{};  // probes leave one after the other
  ProbeId probe;             // that is being sent
  double probe_bytes = 0;
  double sampled_bytes = 0;
  double last_queue_ms = 0;
  Duration paced_until{};
  std::map<uint64_t, Picture> pictures;  // that are not shown yet
  uint64_t next_picture = 0;             // to be sent
  uint64_t next_shown = 0;
  uint64_t repaired_from = 0;
  FlowResult result;
};

Simulator::Simulator(const PathProfile& path, const std::vector<FlowProfile>& flows, uint64_t seed)
    : path_(path), random_(seed) {
  for (const FlowProfile& profile : flows) {
    flows_.push_back(std::make_unique<Flow>(profile));
    Flow& flow = *flows_.back();
    at(profile.start, [this, &flow] { advance(flow); });
    at(profile.start, [this, &flow] { send_frame(flow); });
    if (profile.audio_bps > 0) at(profile.start, [this, &flow] { send_audio(flow); });
    at(profile.start + kReportInterval, [this, &flow] { report(flow); });
    at(kSampleInterval, [this, &flow] { sample(flow); });
  }
  tokens_ = path_.policer_burst_bytes.value_or(0);
}

Simulator::~Simulator() = default;

void Simulator::at(Duration time, std::function<void()> act) {
  events_.push({time, order_++, std::move(act)});
}

double Simulator::capacity(Duration time) const {
  double bps = 0;
  for (const PathProfile::Step& step : path_.capacity) {
    if (step.at <= time) bps = step.bps;
  }
  return bps;
}

std::optional<Duration> Simulator::cross(size_t size) {
  const double bps = capacity(now_);
  if (path_.policer_burst_bytes) {
    tokens_ += seconds(now_ - tokens_at_) * bps / 8;
    tokens_ = std::min(tokens_, *path_.policer_burst_bytes);
    tokens_at_ = now_;
    if (tokens_ < static_cast<double>(size)) return std::nullopt;
    tokens_ -= static_cast<double>(size);
    return now_;
  }
  const Duration begin = std::max(now_, free_at_);
  if (begin - now_ > path_.queue) return std::nullopt;
  free_at_ = begin + duration_of(static_cast<double>(size) * 8 / bps);
  return free_at_;
}

bool Simulator::is_lost() {
  return now_ >= path_.loss_from && now_ < path_.loss_until && random() < path_.loss;
}

std::optional<Duration> Simulator::send(Flow& flow, size_t size, ProbeId probe) {
  const rtp::SequenceNumber number(flow.next_number++);
  if (probe == ProbeId()) probe = flow.probe;
  flow.probe_bytes += static_cast<double>(size);
  flow.estimator.on_sent(number, size, kZero + now_, probe);
  ++flow.result.sent_packets;
  flow.sampled_bytes += static_cast<double>(size);
  const auto left = cross(size);
  if (!left || is_lost()) {
    ++flow.result.lost_packets;
    return std::nullopt;
  }
  const double queue_ms = std::chrono::duration<double, std::milli>(*left - now_).count();
  Duration arrival = *left + flow.profile.one_way + duration_of(random() * seconds(path_.jitter));
  arrival = std::max(arrival, flow.last_arrival);
  flow.last_arrival = arrival;
  at(arrival, [this, &flow, number, size, queue_ms] {
    const auto drift = duration_of(seconds(now_) * flow.profile.clock_drift);
    flow.reports.on_packet(number, kZero + now_ + drift);
    flow.result.received_bytes += size;
    flow.result.queue_ms.push_back(queue_ms);
    flow.last_queue_ms = queue_ms;
  });
  return arrival;
}

void Simulator::send_audio(Flow& flow) {
  at(now_ + kAudioFrame, [this, &flow] { send_audio(flow); });
  ++flow.result.sent_audio;
  const auto size = static_cast<size_t>(flow.profile.audio_bps / 8 * seconds(kAudioFrame));
  if (!send(flow, size, {})) ++flow.result.lost_audio;
}

double Simulator::layered_bits(Flow& flow) {
  const TimePoint now = kZero + now_;
  std::optional<relay::PathEstimate> estimate;
  if (flow.estimator.knows_path(now)) {
    estimate = {
        .bps = static_cast<uint64_t>(flow.estimator.target_bps()),
        .arriving_bps = static_cast<uint64_t>(flow.estimator.acknowledged_bps().value_or(0)),
        .is_full = flow.estimator.is_full(now)};
  }
  const double bits = flow.source.frame_bits(estimate, now);
  const auto wanted = flow.source.probe_bps();
  if (wanted && flow.profile.has_rtx) flow.estimator.set_wanted(*wanted);
  if (flow.source.take_ended()) flow.repaired_from = flow.next_picture;
  flow.pictures[flow.next_picture] = {};
  if (flow.source.take_changed()) {
    flow.pictures[flow.next_picture].is_key = true;
    flow.result.layer_switches.emplace_back(seconds(now_), flow.source.layers());
  }
  return bits;
}

// Who takes all that there is has what it sends again among it; layers come on top of that.
void Simulator::send_media(Flow& flow, Piece piece) {
  const auto arrival = send(flow, piece.size, {});
  if (flow.profile.layers.empty()) return;
  if (arrival) {
    at(*arrival, [this, &flow, piece] {
      const auto picture = flow.pictures.find(piece.picture);
      if (picture == flow.pictures.end()) return;
      if (--picture->second.missing == 0) decode(flow, seconds(now_));
    });
  } else if (flow.profile.has_rtx && piece.sent++ == 0) {
    at(now_ + 2 * flow.profile.one_way + kRepair, [this, &flow, piece] {
      if (piece.picture >= flow.repaired_from) send_media(flow, piece);
    });
  }
}

// A key frame is shown whatever is missing before it, any other picture after the one before it.
void Simulator::decode(Flow& flow, double second) {
  auto& pictures = flow.pictures;
  for (auto picture = pictures.begin(); picture != pictures.end();) {
    const auto& [number, state] = *picture++;
    if (state.missing > 0 || (number != flow.next_shown && !state.is_key)) continue;
    flow.next_shown = number + 1;
    flow.result.pictures.push_back(second);
    pictures.erase(pictures.begin(), picture);
  }
}

void Simulator::send_frame(Flow& flow) {
  at(now_ + kFrame, [this, &flow] { send_frame(flow); });
  const auto& pause = flow.profile.pause;
  if (pause && now_ >= pause->first && now_ < pause->second) return;
  const double target = flow.estimator.target_bps();
  const double bits = flow.profile.layers.empty()
                          ? std::min(target, flow.profile.max_bps) * seconds(kFrame)
                          : layered_bits(flow);
  const double bps = bits / seconds(kFrame);
  // Frames differ in size, as an encoder's do.
  flow.unsent_bytes += bits / 8 * (0.8 + 0.4 * random());
  double paced_bps = kPacing * std::max(target, bps / kPacing);
  Duration paced{};
  const auto draining = flow.estimator.draining_bps(kZero + now_);
  if (draining && !flow.profile.layers.empty()) {
    paced_bps = *draining;
    paced = std::clamp(flow.paced_until - now_, Duration{}, kPacedMax);
  }
  while (flow.unsent_bytes >= 200) {
    const auto size = static_cast<size_t>(std::min<double>(flow.unsent_bytes, kPacketSize));
    flow.unsent_bytes -= static_cast<double>(size);
    if (!flow.profile.layers.empty()) ++flow.pictures[flow.next_picture].missing;
    const Piece piece{.picture = flow.next_picture, .size = size};
    at(now_ + paced, [this, &flow, piece] { send_media(flow, piece); });
    paced = std::min(paced + duration_of(static_cast<double>(size) * 8 / paced_bps), kPacedMax);
  }
  flow.paced_until = now_ + paced;
  const auto picture = flow.pictures.find(flow.next_picture);
  if (picture == flow.pictures.end()) return;
  picture->second.missing > 0 ? void(++flow.next_picture) : void(flow.pictures.erase(picture));
}

// For as long as the probe takes, everything that is sent belongs to it, and padding makes up what
// is missing.
void Simulator::send_probe(Flow& flow, const Probe& probe) {
  if (!flow.profile.has_rtx) return;
  const Duration begin = std::max(now_, flow.probing_until);
  const Duration end = begin + duration_of(probe.bytes * 8.0 / probe.bps);
  flow.probing_until = end + milliseconds(1);
  at(begin, [&flow, probe] {
    flow.probe = probe.id;
    flow.probe_bytes = 0;
  });
  for (Duration time = begin; time <= end; time += milliseconds(1)) {
    at(time, [this, &flow, probe, begin] {
      const double wanted = probe.bps / 8 * seconds(now_ - begin);
      while (flow.probe_bytes <= wanted) send(flow, kPaddingSize, probe.id);
    });
  }
  at(end + microseconds(1), [&flow] { flow.probe = {}; });
}

void Simulator::report(Flow& flow) {
  at(now_ + kReportInterval, [this, &flow] { report(flow); });
  std::array<uint8_t, rtp::kRtcpSizeMax> buffer;
  while (true) {
    rtp::RtcpWriter writer(buffer);
    if (!flow.reports.write_due(kZero + now_, rtp::Ssrc(1), rtp::Ssrc(2), writer)) return;
    std::vector<uint8_t> compound(writer.written().begin(), writer.written().end());
    if (random() < path_.feedback_loss) continue;
    at(now_ + flow.profile.one_way, [this, &flow, compound] { take_report(flow, compound); });
  }
}

void Simulator::take_report(Flow& flow, const std::vector<uint8_t>& compound) {
  std::vector<Probe> probes;
  rtp::RtcpReader reader(compound);
  while (const auto packet = reader.next()) {
    if (const auto* message = std::get_if<rtp::TransportFeedback>(&*packet)) {
      flow.estimator.on_feedback(*message, kZero + now_, probes);
    }
  }
  flow.estimator.on_round_trip(2 * flow.profile.one_way);
  for (const Probe& probe : probes) send_probe(flow, probe);
}

void Simulator::advance(Flow& flow) {
  at(now_ + milliseconds(10), [this, &flow] { advance(flow); });
  std::vector<Probe> probes;
  if (flow.profile.has_rtx) flow.estimator.advance(kZero + now_, probes);
  for (const Probe& probe : probes) send_probe(flow, probe);
}

void Simulator::sample(Flow& flow) {
  at(now_ + kSampleInterval, [this, &flow] { sample(flow); });
  flow.result.samples.push_back({.second = seconds(now_),
                                 .capacity_bps = capacity(now_),
                                 .target_bps = flow.estimator.target_bps(),
                                 .sent_bps = flow.sampled_bytes * 8 / seconds(kSampleInterval),
                                 .queue_ms = flow.last_queue_ms,
                                 .layers = flow.source.layers()});
  flow.sampled_bytes = 0;
}

std::vector<FlowResult> Simulator::run(Duration duration) {
  while (!events_.empty() && events_.top().at <= duration) {
    const auto event = events_.top();
    events_.pop();
    now_ = event.at;
    event.act();
  }
  std::vector<FlowResult> results;
  for (const auto& flow : flows_) results.push_back(std::move(flow->result));
  return results;
}

double FlowResult::mean_bps(double from, double to) const {
  double sum = 0;
  size_t count = 0;
  for (const Sample& sample : samples) {
    if (sample.second < from || sample.second >= to) continue;
    sum += sample.sent_bps;
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

double FlowResult::switches_a_minute(double from, double to) const {
  const auto count = std::ranges::count_if(layer_switches, [&](const auto& change) {
    return change.first >= from && change.first < to;
  });
  return static_cast<double>(count) * 60 / (to - from);
}

double FlowResult::layer_settled(int layer, double from) const {
  std::optional<double> since;
  for (const Sample& sample : samples) {
    if (sample.second < from) continue;
    if (sample.layers.empty() || sample.layers.front() != layer) {
      since.reset();
    } else if (!since) {
      since = sample.second;
    }
    if (since && sample.second - *since >= 2) return *since;
  }
  return -1;
}

double FlowResult::queue_percentile(double share) const {
  if (queue_ms.empty()) return 0;
  std::vector<double> sorted = queue_ms;
  std::ranges::sort(sorted);
  return sorted[static_cast<size_t>(share * static_cast<double>(sorted.size() - 1))];
}

double FlowResult::longest_gap(double from, double to) const {
  double longest = 0;
  double last = from;
  for (const double picture : pictures) {
    if (picture < from || picture > to) continue;
    longest = std::max(longest, picture - last);
    last = picture;
  }
  return std::max(longest, to - last);
}

double FlowResult::reached(double bps, double from) const {
  for (const Sample& sample : samples) {
    if (sample.second >= from && sample.target_bps >= bps) return sample.second;
  }
  return -1;
}

double FlowResult::queue_settled(double milliseconds, double from) const {
  std::optional<double> since;
  for (const Sample& sample : samples) {
    if (sample.second < from) continue;
    if (sample.queue_ms > milliseconds) {
      since.reset();
    } else if (!since) {
      since = sample.second;
    }
    if (since && sample.second - *since >= 1) return *since;
  }
  return -1;
}

double allowed_bps(const FlowProfile& flow, double capacity_bps) {
  std::vector<double> sums = {flow.audio_bps};
  for (size_t slot = 0; slot < flow.slots; ++slot) {
    std::vector<double> next;
    for (const double sum : sums) {
      for (const double layer : flow.layers) {
        if (sum + layer <= capacity_bps) next.push_back(sum + layer);
      }
    }
    sums = std::move(next);
  }
  return sums.empty() ? 0 : *std::ranges::max_element(sums);
}

double fairness(const std::vector<double>& rates) {
  double sum = 0;
  double squares = 0;
  for (const double rate : rates) {
    sum += rate;
    squares += rate * rate;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(rates.size()) * squares) : 1;
}

}  // namespace simpul::congestion
