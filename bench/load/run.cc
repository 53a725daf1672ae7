#include "bench/load/run.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "bench/load/process_meter.h"
#include "bench/load/viewer_media.h"
#include "bench/peer/http_client.h"
#include "bench/peer/peer_socket.h"
#include "crypto/random.h"
#include "net/event_loop.h"
#include "net/thread.h"

namespace simpul::load {
namespace {

constexpr Duration kJoinLimit = std::chrono::seconds(30);
// For what is on its way, or asked for again, when the measured time ends.
constexpr Duration kDrainLimit = std::chrono::seconds(3);
constexpr Duration kTick = std::chrono::milliseconds(20);
constexpr size_t kDelaySampleEvery = 16;
// Packets of 1,200 bytes, as browsers send them.
constexpr size_t kPayloadMax = 1'160;
// Descriptors for everything but the peers' sockets.
constexpr rlim_t kDescriptorsKept = 64;

double milliseconds(Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Nothing when the process may have so many sockets.
std::optional<std::string> allow_sockets(size_t count) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  if (count + kDescriptorsKept <= limit.rlim_cur) return std::nullopt;
  return std::to_string(count) + " connections need more than the " +
         std::to_string(limit.rlim_cur) + " descriptors that this process may have";
}

std::span<const dtls::SrtpProfile> profiles_of(const Options& options) {
  if (!options.srtp_profile) return dtls::Context::kSrtpProfiles;
  return {&*options.srtp_profile, 1};
}

struct Publisher {
  std::unique_ptr<peer::PeerSocket> socket;
  std::string location;
  struct Source {
    uint32_t ssrc = 0;
    uint64_t measured_from = 0;
  };
  std::vector<Source> sources;
  uint64_t measured_packets = 0;
};

struct Viewer {
  Viewer(size_t who, bool video)
      : watched(who), media(rtp::Ssrc(crypto::random_u32() | 1), video) {}

  size_t watched;
  std::unique_ptr<peer::PeerSocket> socket;
  std::string location;
  TimePoint posted_at;
  ViewerMedia media;
};

class Run {
 public:
  explicit Run(const Options& options)
      : options_(options),
        plan_(make_plan(options.room, options.shape)),
        identity_(std::chrono::seconds(net::EventLoop::wall_clock_unix_us() / 1'000'000),
                  profiles_of(options_)),
        timer_(loop_, [this] { tick(); }) {}

  Expected<Report, std::string> run();

 private:
  enum class Phase { kJoining, kWaiting, kMeasuring, kDraining };

  std::optional<std::string> join(peer::PeerSocket& socket, const std::string& target,
                                  std::string& location);
  std::optional<std::string> add_publisher(const Plan::Publisher& planned);
  std::optional<std::string> add_viewer(const Plan::Viewer& planned);
  void join_next();
  bool publishers_connected() const;
  void receive(Viewer& viewer, const peer::Peer::Received& received);
  void tick();
  bool all_have_frames() const;
  bool all_have_all() const;
  void begin(TimePoint now);
  void end(TimePoint now);
  void finish();
  void leave();

  Options options_;
  Plan plan_;
  net::EventLoop loop_;
  peer::Identity identity_;
  net::Timer timer_;
  std::vector<std::unique_ptr<Publisher>> publishers_;
  std::vector<std::unique_ptr<Viewer>> viewers_;
  std::optional<std::string> failed_;
  Phase phase_ = Phase::kJoining;
  TimePoint phase_began_;
  ProcessUsage relay_empty_;
  ProcessUsage relay_;
  ProcessUsage own_;
  uint64_t overflows_ = 0;
  size_t samples_ = 0;
  std::vector<std::vector<uint8_t>> rtcp_;  // scratch
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

std::optional<std::string> Run::add_publisher(const Plan::Publisher& planned) {
  publishers_.push_back(std::make_unique<Publisher>());
  Publisher& publisher = *publishers_.back();
  publisher.socket = std::make_unique<peer::PeerSocket>(
      loop_, peer::Options{.publishes = true, .video = options_.video}, identity_,
      peer::PeerSocket::Handlers{}, options_.local);
  if (!options_.silent) publisher.socket->add_source(peer::MediaSource::audio("0"));
  if (options_.video && !options_.silent) {
    publisher.socket->add_source(
        peer::MediaSource::video("1", {.bitrate_bps = options_.bitrate_kbps * 1000,
                                       .frames_per_second = options_.frames_per_second,
                                       .payload_max = kPayloadMax,
                                       .burst_packets = options_.burst_packets}));
  }
  return join(*publisher.socket, "/whip/" + planned.room + "?participant=" + planned.name,
              publisher.location);
}

std::optional<std::string> Run::add_viewer(const Plan::Viewer& planned) {
  viewers_.push_back(std::make_unique<Viewer>(planned.watched, options_.video));
  Viewer& viewer = *viewers_.back();
  viewer.posted_at = net::EventLoop::clock_now();
  viewer.socket = std::make_unique<peer::PeerSocket>(
      loop_, peer::Options{.video = options_.video}, identity_,
      peer::PeerSocket::Handlers{
          .on_rtp = [this, &viewer](const peer::Peer::Received& received,
                                    TimePoint) { receive(viewer, received); },
          .on_rtcp = {},
          .on_connected = {}},
      options_.local);
  const std::string& watched = plan_.publishers[planned.watched].name;
  return join(*viewer.socket, "/whep/" + planned.room + "?participant=" + watched, viewer.location);
}

bool Run::publishers_connected() const {
  return std::ranges::all_of(
      publishers_, [](const auto& publisher) { return publisher->socket->peer().connected(); });
}

// One join for each turn of the loop, so that media flows meanwhile.
void Run::join_next() {
  if (publishers_.size() < plan_.publishers.size()) {
    failed_ = add_publisher(plan_.publishers[publishers_.size()]);
  } else if (!publishers_connected()) {
    return;  // tick() goes on: some servers know a publisher only then
  } else if (viewers_.size() < plan_.viewers.size()) {
    failed_ = add_viewer(plan_.viewers[viewers_.size()]);
  } else {
    phase_ = Phase::kWaiting;
    phase_began_ = net::EventLoop::clock_now();
    return;
  }
  if (failed_) return loop_.stop();
  loop_.post([this] { join_next(); });
}

void Run::receive(Viewer& viewer, const peer::Peer::Received& received) {
  const bool had_frame = viewer.media.first_frame_at().has_value();
  // The clock costs: it is read afresh only where the time counts.
  const bool sampled = phase_ == Phase::kMeasuring && ++samples_ % kDelaySampleEvery == 0;
  const TimePoint now = sampled || !had_frame ? net::EventLoop::clock_now() : loop_.now();
  const auto stamp = viewer.media.receive(received.view, received.size, now);
  if (sampled && stamp) report_.delay_ms.push_back(milliseconds(now - stamp->made_at));
}

bool Run::all_have_frames() const {
  return std::ranges::all_of(
      viewers_, [](const auto& viewer) { return viewer->media.first_frame_at().has_value(); });
}

bool Run::all_have_all() const {
  return std::ranges::all_of(viewers_, [this](const auto& viewer) {
    return viewer->media.counts().packets >= publishers_[viewer->watched]->measured_packets;
  });
}

void Run::tick() {
  const TimePoint now = net::EventLoop::clock_now();
  for (const auto& viewer : viewers_) {
    if (!viewer->socket->peer().connected()) continue;
    rtcp_.clear();
    viewer->media.write_due(now, rtcp_);
    for (const auto& compound : rtcp_) {
      viewer->socket->send(viewer->socket->peer().seal_rtcp(compound));
    }
  }
  const Duration passed = now - phase_began_;
  switch (phase_) {
    case Phase::kJoining:
      if (viewers_.empty() && publishers_.size() == plan_.publishers.size()) join_next();
      break;
    case Phase::kWaiting:
      if (all_have_frames() || passed > kJoinLimit) begin(now);
      break;
    case Phase::kMeasuring:
      if (passed >= std::chrono::seconds(options_.seconds)) end(now);
      break;
    case Phase::kDraining:
      if (all_have_all() || passed > kDrainLimit) {
        finish();
        return loop_.stop();
      }
      break;
  }
  timer_.set(now + kTick);
}

void Run::begin(TimePoint now) {
  phase_ = Phase::kMeasuring;
  phase_began_ = now;
  for (const auto& publisher : publishers_) {
    for (const peer::MediaSource& source : publisher->socket->sources()) {
      publisher->sources.push_back(
          {.ssrc = source.ssrc().value(), .measured_from = source.packets()});
    }
  }
  for (const auto& viewer : viewers_) {
    for (const auto& source : publishers_[viewer->watched]->sources) {
      viewer->media.measure(source.ssrc, static_cast<uint32_t>(source.measured_from));
    }
    overflows_ += viewer->socket->statistics().overflows;
  }
  relay_ = read_usage(options_.relay_pid);
  own_ = read_usage(getpid());
}

void Run::end(TimePoint now) {
  phase_ = Phase::kDraining;
  report_.seconds = milliseconds(now - phase_began_) / 1000;
  phase_began_ = now;
  const ProcessUsage relay = read_usage(options_.relay_pid);
  report_.relay_cpu_share = (relay.cpu_seconds - relay_.cpu_seconds) / report_.seconds;
  report_.relay_kib_per_viewer = (static_cast<double>(relay.resident_bytes) -
                                  static_cast<double>(relay_empty_.resident_bytes)) /
                                 1024 / static_cast<double>(viewers_.size());
  const ProcessUsage own = read_usage(getpid());
  report_.own.cpu_share = (own.cpu_seconds - own_.cpu_seconds) / report_.seconds;
  report_.own.wait_share = (own.wait_seconds - own_.wait_seconds) / report_.seconds;
  // Nobody sends any more; what was sent is waited for.
  for (const auto& publisher : publishers_) {
    const auto& sources = publisher->socket->sources();
    for (size_t i = 0; i < sources.size(); ++i) {
      publisher->measured_packets += sources[i].packets() - publisher->sources[i].measured_from;
    }
    publisher->socket->sources().clear();
  }
}

void Run::finish() {
  report_.rooms = options_.shape.rooms;
  report_.publishers = static_cast<unsigned>(publishers_.size());
  report_.viewers = static_cast<unsigned>(viewers_.size());
  for (const auto& viewer : viewers_) {
    report_.connected += viewer->socket->peer().connected();
    report_.own.socket_overflows += viewer->socket->statistics().overflows;
    if (const auto at = viewer->media.first_frame_at()) {
      report_.first_frame_ms.push_back(milliseconds(*at - viewer->posted_at));
    }
    const uint64_t expected = publishers_[viewer->watched]->measured_packets;
    const MediaCounts& counts = viewer->media.counts();
    report_.expected += expected;
    report_.received += counts;
    if (counts.packets >= expected) continue;
    ++report_.viewers_with_loss;
    report_.viewer_loss_max =
        std::max(report_.viewer_loss_max,
                 static_cast<double>(expected - counts.packets) / static_cast<double>(expected));
  }
  report_.own.socket_overflows -= overflows_;
  if (report_.received.packets == 0) return;
  report_.relay_cpu_us_per_packet = report_.relay_cpu_share * report_.seconds * 1'000'000 /
                                    static_cast<double>(report_.received.packets);
}

void Run::leave() {
  for (const auto& viewer : viewers_) {
    if (viewer->location.empty()) continue;
    peer::request(options_.server, "DELETE", viewer->location, "", "");
  }
  for (const auto& publisher : publishers_) {
    if (publisher->location.empty()) continue;
    peer::request(options_.server, "DELETE", publisher->location, "", "");
  }
}

Expected<Report, std::string> Run::run() {
  if (auto error = allow_sockets(plan_.connections())) return unexpected(*error);
  if (options_.cpu && !net::pin_this_thread(*options_.cpu)) {
    return unexpected("cannot stay on CPU " + std::to_string(*options_.cpu));
  }
  relay_empty_ = read_usage(options_.relay_pid);
  loop_.post([this] { join_next(); });
  tick();
  loop_.run();
  leave();
  if (failed_) return unexpected(*failed_);
  return std::move(report_);
}

}  // namespace

Expected<Report, std::string> run(const Options& options) { return Run(options).run(); }

}  // namespace simpul::load
