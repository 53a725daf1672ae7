#include "bench/congestion/simulator.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "bench/congestion/layered_source.h"
#include "bench/congestion/remb_receiver.h"
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
constexpr Duration kUplinkRepair = milliseconds(120);
constexpr size_t kReportHeaders = 42;  // IP, UDP and SRTCP: a REMB is hardly more
constexpr Duration kTcpInterval = milliseconds(10);
const TimePoint kZero = TimePoint(std::chrono::hours(1));

}  // namespace

struct Simulator::Flow {
  explicit Flow(const FlowProfile& wanted)
      : profile(wanted),
        estimator({.start_bps = wanted.start_bps,
                   .max_bps = wanted.max_bps * 1.5,
                   .may_probe = !wanted.estimates_itself,
                   .may_fill = wanted.estimates_itself}),
        source(wanted.layers, wanted.layers.empty() ? 0 : wanted.slots, wanted.audio_bps,
               wanted.key_frame_size) {
    result.is_backward = wanted.is_backward;
  }

  struct Picture {
    size_t missing = 0;  // packets
    bool is_key = false;
  };

  FlowProfile profile;
  Estimator estimator;
  LayeredSource source;
  rtp::TransportFeedbackBuilder reports;
  RembReceiver receiver;
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

struct Simulator::Download {
  DownloadProfile profile;
  TcpSender sender{0};
};

Simulator::Simulator(const Traffic& traffic, uint64_t seed)
    : paths_{Bottleneck(traffic.path)}, random_(seed) {
  if (traffic.back) paths_.emplace_back(*traffic.back);
  for (const FlowProfile& profile : traffic.flows) {
    flows_.push_back(std::make_unique<Flow>(profile));
    Flow& flow = *flows_.back();
    at(profile.start, [this, &flow] { advance(flow); });
    at(profile.start, [this, &flow] { send_frame(flow); });
    if (profile.audio_bps > 0) at(profile.start, [this, &flow] { send_audio(flow); });
    at(profile.start + kReportInterval, [this, &flow] { report(flow); });
    at(kSampleInterval, [this, &flow] { sample(flow); });
  }
  for (const DownloadProfile& profile : traffic.downloads) {
    downloads_.push_back(std::make_unique<Download>(Download{.profile = profile}));
    Download& download = *downloads_.back();
    Duration start = profile.start;
    if (profile.begins_with_pause) start += pause_of(profile);
    at(start, [this, &download] { begin(download); });
  }
  if (!downloads_.empty()) at(kSampleInterval, [this] { sample_downloads(); });
  downloaded_.is_download = true;
}

Simulator::~Simulator() = default;

void Simulator::at(Duration time, std::function<void()> act) {
  events_.push({time, order_++, std::move(act)});
}

Bottleneck& Simulator::path_of(const Flow& flow) {
  return paths_.at(flow.profile.is_backward ? 1 : 0);
}

bool Simulator::is_lost(const PathProfile& path) {
  return now_ >= path.loss_from && now_ < path.loss_until && random() < path.loss;
}

std::optional<Duration> Simulator::send(Flow& flow, size_t size, ProbeId probe, bool has_time) {
  const rtp::SequenceNumber number(flow.next_number++);
  if (probe == ProbeId()) probe = flow.probe;
  flow.probe_bytes += static_cast<double>(size);
  if (!flow.profile.estimates_itself) {
    flow.estimator.on_sent(number, size, kZero + now_, probe);
  } else if (has_time) {
    flow.estimator.on_sent_unnumbered(size, kZero + now_);
  }
  ++flow.result.sent_packets;
  flow.sampled_bytes += static_cast<double>(size);
  Bottleneck& path = path_of(flow);
  const auto left = path.cross(size, now_);
  if (!left || is_lost(path.profile())) {
    ++flow.result.lost_packets;
    return std::nullopt;
  }
  const double queue_ms = std::chrono::duration<double, std::milli>(*left - now_).count();
  const Duration jitter = duration_of(random() * seconds(path.profile().jitter));
  const Duration released = path.release(*left, [this] { return random(); });
  Duration arrival = released + flow.profile.one_way + jitter;
  arrival = std::max(arrival, flow.last_arrival);
  flow.last_arrival = arrival;
  at(arrival, [this, &flow, number, size, queue_ms, has_time, sent_at = now_] {
    if (has_time || !flow.profile.estimates_itself) arrive(flow, number, size, sent_at);
    flow.result.received_bytes += size;
    flow.result.queue_ms.push_back(queue_ms);
    flow.last_queue_ms = queue_ms;
  });
  return arrival;
}

void Simulator::arrive(Flow& flow, rtp::SequenceNumber number, size_t size, Duration sent_at) {
  if (!flow.profile.estimates_itself) {
    const auto drift = duration_of(seconds(now_) * flow.profile.clock_drift);
    return flow.reports.on_packet(number, kZero + now_ + drift);
  }
  const auto bps = flow.receiver.on_packet(sent_at, now_, size);
  const auto arrival = bps ? carry_report(flow, kReportHeaders) : std::nullopt;
  if (arrival) at(*arrival, [this, &flow, bps] { flow.estimator.on_remb(*bps, kZero + now_); });
}

void Simulator::send_audio(Flow& flow) {
  at(now_ + kAudioFrame, [this, &flow] { send_audio(flow); });
  ++flow.result.sent_audio;
  const auto size = static_cast<size_t>(flow.profile.audio_bps / 8 * seconds(kAudioFrame));
  // Sound does not say when it left: whoever estimates by that does so by pictures.
  if (!send(flow, size, {}, false)) ++flow.result.lost_audio;
}

double Simulator::layered_bits(Flow& flow) {
  const TimePoint now = kZero + now_;
  std::optional<relay::PathEstimate> estimate;
  if (flow.estimator.knows_path(now)) {
    estimate = {
        .bps = static_cast<uint64_t>(flow.estimator.allowed_bps(now)),
        .arriving_bps = static_cast<uint64_t>(flow.estimator.acknowledged_bps().value_or(0)),
        .is_full = flow.estimator.is_full(now),
        .is_silent = flow.estimator.is_silent(now)};
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

// By how much later a packet of the publisher's comes to the relay; nothing: it never does.
std::optional<Duration> Simulator::late_to_relay(const Flow& flow) {
  const double loss = flow.profile.uplink_loss;
  if (loss == 0 || now_ < flow.profile.uplink_loss_from || random() >= loss) return Duration{};
  if (random() < loss) return std::nullopt;
  return kUplinkRepair;
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
    const auto late = late_to_relay(flow);
    if (!late) continue;
    at(now_ + paced + *late, [this, &flow, piece] { send_media(flow, piece); });
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
    const auto arrival = carry_report(flow, compound.size() + kReportHeaders);
    if (arrival) at(*arrival, [this, &flow, compound] { take_report(flow, compound); });
  }
}

// When it arrives, if it does.
std::optional<Duration> Simulator::carry_report(Flow& flow, size_t size) {
  if (random() < path_of(flow).profile().feedback_loss) return std::nullopt;
  if (paths_.size() < 2) return now_ + flow.profile.one_way;
  const auto left = paths_[flow.profile.is_backward ? 0 : 1].cross(size, now_);
  if (!left) return std::nullopt;
  return *left + flow.profile.one_way;
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
                                 .capacity_bps = path_of(flow).capacity(now_),
                                 .target_bps = flow.estimator.target_bps(),
                                 .sent_bps = flow.sampled_bytes * 8 / seconds(kSampleInterval),
                                 .queue_ms = flow.last_queue_ms,
                                 .layers = flow.source.layers()});
  flow.sampled_bytes = 0;
}

Duration Simulator::pause_of(const DownloadProfile& profile) {
  return duration_of(-seconds(profile.pause) * std::log(1 - random()));
}

// The next file.
void Simulator::begin(Download& download) {
  double packets = 1e9;
  if (const auto& bytes = download.profile.file_bytes) {
    packets = (bytes->first + random() * (bytes->second - bytes->first)) / TcpSender::kPacketSize;
  }
  download.sender = TcpSender(static_cast<uint64_t>(packets), download.sender.next_number());
  fetch(download);
  advance(download);
}

void Simulator::fetch(Download& download) {
  while (const auto number = download.sender.take(now_)) {
    downloaded_bytes_ += TcpSender::kPacketSize;
    ++downloaded_.sent_packets;
    const auto left = paths_.front().cross(TcpSender::kPacketSize, now_);
    if (!left || is_lost(paths_.front().profile())) {
      ++downloaded_.lost_packets;
      continue;
    }
    downloaded_.received_bytes += TcpSender::kPacketSize;
    at(*left + 2 * download.profile.one_way, [this, &download, number] {
      download.sender.on_acknowledged(*number, now_);
      fetch(download);
    });
  }
}

void Simulator::advance(Download& download) {
  if (download.sender.is_done()) {
    at(now_ + pause_of(download.profile), [this, &download] { begin(download); });
    return;
  }
  at(now_ + kTcpInterval, [this, &download] { advance(download); });
  download.sender.advance(now_);
  fetch(download);
}

void Simulator::sample_downloads() {
  at(now_ + kSampleInterval, [this] { sample_downloads(); });
  const double bps = std::exchange(downloaded_bytes_, 0) * 8 / seconds(kSampleInterval);
  downloaded_.samples.push_back({.second = seconds(now_),
                                 .capacity_bps = paths_.front().capacity(now_),
                                 .target_bps = bps,
                                 .sent_bps = bps});
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
  if (!downloads_.empty()) results.push_back(std::move(downloaded_));
  return results;
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

}  // namespace simpul::congestion
