#include "bench/load/run.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "bench/load/process_meter.h"
#include "bench/peer/http_client.h"
#include "bench/peer/peer_socket.h"
#include "net/event_loop.h"

namespace simpul::load {
namespace {

constexpr Duration kJoinLimit = std::chrono::seconds(30);
constexpr Duration kTick = std::chrono::milliseconds(50);
constexpr size_t kDelaySampleEvery = 16;

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

struct Stream {
  rtp::Ssrc ssrc;
  rtp::SequenceUnwrapper unwrapper = {};
  std::optional<int64_t> first = {};  // of the measured time
  int64_t highest = 0;
  uint64_t packets = 0;
};

struct Viewer {
  std::unique_ptr<peer::PeerSocket> socket;
  std::string location;
  TimePoint posted_at;
  std::optional<TimePoint> first_frame_at;
  std::vector<Stream> streams;
};

class Run {
 public:
  explicit Run(const Options& options)
      : options_(options),
        identity_(std::chrono::seconds(net::EventLoop::wall_clock_unix_us() / 1'000'000)),
        timer_(loop_, [this] { tick(); }) {}

  Expected<Report, std::string> run();

 private:
  enum class Phase { kJoining, kMeasuring, kDone };

  std::optional<std::string> join(peer::PeerSocket& socket, const std::string& target,
                                  std::string& location);
  std::optional<std::string> add_publisher();
  std::optional<std::string> add_viewer();
  void receive(Viewer& viewer, const peer::Peer::Received& received, TimePoint now);
  void count(Viewer& viewer, const peer::Peer::Received& received, TimePoint now);
  void tick();
  void begin(TimePoint now);
  void finish(TimePoint now);

  Options options_;
  net::EventLoop loop_;
  peer::Identity identity_;
  net::Timer timer_;
  std::unique_ptr<peer::PeerSocket> publisher_;
  std::string publisher_location_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
  Phase phase_ = Phase::kJoining;
  TimePoint began_;
  ProcessUsage usage_empty_;
  ProcessUsage usage_;
  size_t samples_ = 0;
  Report report_;
};

std::optional<std::string> Run::join(peer::PeerSocket& socket, const std::string& target,
                                     std::string& location) {
  const auto answer =
      peer::request(options_.server, "POST", target, "application/sdp", socket.peer().offer());
  if (!answer) return answer.error();
  if (answer->status != 201) {
    return target + ": status " + std::to_string(answer->status) + " " + answer->body;
  }
  location = answer->location;
  if (!socket.start(answer->body)) return target + ": unusable answer";
  return std::nullopt;
}

std::optional<std::string> Run::add_publisher() {
  publisher_ = std::make_unique<peer::PeerSocket>(loop_, peer::Options{.publishes = true},
                                                  identity_, peer::PeerSocket::Handlers{});
  publisher_->add_source(peer::MediaSource::audio("0"));
  publisher_->add_source(
      peer::MediaSource::video("1", {.bitrate_bps = options_.bitrate_kbps * 1000}));
  return join(*publisher_, "/whip/" + options_.room, publisher_location_);
}

std::optional<std::string> Run::add_viewer() {
  viewers_.push_back(std::make_unique<Viewer>());
  Viewer& viewer = *viewers_.back();
  viewer.posted_at = net::EventLoop::clock_now();
  viewer.socket = std::make_unique<peer::PeerSocket>(
      loop_, peer::Options{}, identity_,
      peer::PeerSocket::Handlers{
          .on_rtp = [this, &viewer](const peer::Peer::Received& received,
                                    TimePoint now) { receive(viewer, received, now); },
          .on_rtcp = {},
          .on_connected = {}});
  return join(*viewer.socket, "/whep/" + options_.room, viewer.location);
}

void Run::receive(Viewer& viewer, const peer::Peer::Received& received, TimePoint now) {
  const bool is_video = received.view.payload_type() == peer::kVp8PayloadType;
  if (!viewer.first_frame_at && is_video && received.view.marker()) {
    viewer.first_frame_at = net::EventLoop::clock_now();
  }
  if (phase_ == Phase::kMeasuring) count(viewer, received, now);
}

void Run::count(Viewer& viewer, const peer::Peer::Received& received, TimePoint) {
  ++report_.packets;
  report_.bytes += received.size;
  const rtp::PacketView& view = received.view;
  auto stream = std::ranges::find(viewer.streams, view.ssrc(), &Stream::ssrc);
  if (stream == viewer.streams.end()) {
    viewer.streams.push_back({.ssrc = view.ssrc()});
    stream = viewer.streams.end() - 1;
  }
  const int64_t number = stream->unwrapper.unwrap(view.sequence_number());
  if (!stream->first) stream->first = stream->highest = number;
  stream->highest = std::max(stream->highest, number);
  ++stream->packets;
  if (++samples_ % kDelaySampleEvery != 0) return;
  const bool is_video = view.payload_type() == peer::kVp8PayloadType;
  if (const auto made = peer::made_at(view.payload(), is_video)) {
    report_.delay_ms.push_back(milliseconds(net::EventLoop::clock_now() - *made));
  }
}

void Run::tick() {
  const TimePoint now = net::EventLoop::clock_now();
  if (phase_ == Phase::kJoining) {
    const bool all = std::ranges::all_of(
        viewers_, [](const auto& viewer) { return viewer->first_frame_at.has_value(); });
    if (all || now - began_ > kJoinLimit) begin(now);
  } else if (now - began_ >= std::chrono::seconds(options_.seconds)) {
    finish(now);
    return;
  }
  timer_.set(now + kTick);
}

void Run::begin(TimePoint now) {
  phase_ = Phase::kMeasuring;
  began_ = now;
  usage_ = read_usage(options_.relay_pid);
}

void Run::finish(TimePoint now) {
  phase_ = Phase::kDone;
  report_.viewers = options_.viewers;
  report_.seconds = milliseconds(now - began_) / 1000;
  for (const auto& viewer : viewers_) {
    report_.connected += viewer->socket->peer().connected();
    if (viewer->first_frame_at) {
      report_.first_frame_ms.push_back(milliseconds(*viewer->first_frame_at - viewer->posted_at));
    }
    for (const Stream& stream : viewer->streams) {
      const auto expected = static_cast<uint64_t>(stream.highest - *stream.first + 1);
      report_.lost += expected - std::min(expected, stream.packets);
    }
  }
  if (options_.relay_pid != 0 && report_.packets > 0) {
    const ProcessUsage after = read_usage(options_.relay_pid);
    const double cpu = after.cpu_seconds - usage_.cpu_seconds;
    report_.relay_cpu_us_per_packet = cpu * 1'000'000 / static_cast<double>(report_.packets);
    report_.relay_cpu_share = cpu / report_.seconds;
    const auto grown = static_cast<double>(after.resident_bytes) -
                       static_cast<double>(usage_empty_.resident_bytes);
    report_.relay_kib_per_viewer = grown / 1024 / options_.viewers;
  }
  loop_.stop();
}

Expected<Report, std::string> Run::run() {
  usage_empty_ = read_usage(options_.relay_pid);
  if (auto error = add_publisher()) return unexpected(*error);
  // Joins go out one by one between turns of the loop, so that media flows meanwhile.
  std::optional<std::string> failed;
  std::function<void()> next = [&] {
    if (viewers_.size() == options_.viewers) {
      began_ = net::EventLoop::clock_now();
      tick();
      return;
    }
    failed = add_viewer();
    if (failed) return loop_.stop();
    loop_.post(next);
  };
  loop_.post(next);
  loop_.run();
  peer::request(options_.server, "DELETE", publisher_location_, "", "");
  for (const auto& viewer : viewers_) {
    if (!viewer->location.empty())
      peer::request(options_.server, "DELETE", viewer->location, "", "");
  }
  if (failed) return unexpected(*failed);
  return report_;
}

}  // namespace

Expected<Report, std::string> run(const Options& options) { return Run(options).run(); }

}  // namespace simpul::load
