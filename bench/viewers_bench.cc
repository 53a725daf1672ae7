#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/byte_writer.h"
#include "base/check.h"
#include "bench/load/viewer_media.h"
#include "bench/peer/descriptors.h"
#include "bench/peer/peer_socket.h"
#include "ice/demultiplex.h"
#include "ice/stun_message.h"
#include "net/socket_address.h"
#include "net/thread.h"

// How many viewers one core of simpul-load drives, who only listen: real sockets and handshakes,
// and feedback as browsers give it. Another thread, on another core, stands for the relay: it sends
// to each viewer 300 packets a second, 31.25 frames of eight packets and 50 packets of sound,
// without encrypting them, which these viewers cannot tell. Budget: 2,000 viewers, 600,000 packets
// a second, on one core are 1.67 µs each. `viewers_bench --benchmark_filter=2000` shows it by
// itself.
namespace simpul::load {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kFrame = 8;  // packets
constexpr size_t kHeaderSize = 24;
constexpr size_t kVideoSize = kHeaderSize + 1'100 + 16;
constexpr size_t kAudioSize = kHeaderSize + 80 + 16;
constexpr int kSeconds = 5;
constexpr unsigned kViewersCpu = 0;
constexpr unsigned kRelayCpu = 1;
constexpr const char* kPassword = "abcdefghijklmnopqrstuvwx";

double thread_seconds() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// The relay's end of one viewer's connection, until it is connected.
struct FarEnd {
  FarEnd(peer::Identity& identity)
      : endpoint(identity.context, {.role = dtls::Role::kServer,
                                    .peer_fingerprints = {identity.certificate.fingerprint()}}) {}
  dtls::Endpoint endpoint;
  dtls::Endpoint::Output out;
};

// A socket of the relay, which both threads use: one until all are connected, the other then.
class RelaySocket {
 public:
  RelaySocket() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    // Over loopback what nobody has read yet is still the sender's.
    constexpr int kSendBuffer = 256 * 1024 * 1024;
    static_cast<void>(
        setsockopt(fd_, SOL_SOCKET, SO_SNDBUFFORCE, &kSendBuffer, sizeof kSendBuffer));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    SIMPUL_CHECK(bind(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    SIMPUL_CHECK(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~RelaySocket() { close(fd_); }
  RelaySocket(const RelaySocket&) = delete;
  RelaySocket& operator=(const RelaySocket&) = delete;

  int fd() const { return fd_; }
  uint16_t port() const { return port_; }
  // Empty when there is nothing more.
  MutableBytes receive(Address& from) {
    net::SocketAddress address{};
    socklen_t size = sizeof address;
    const ssize_t got =
        recvfrom(fd_, room_.data(), room_.size(), MSG_DONTWAIT, &address.any, &size);
    if (got <= 0) return {};
    from = net::load_address(address);
    return std::span(room_).first(static_cast<size_t>(got));
  }
  void send(Bytes bytes, const Address& to) {
    net::SocketAddress address{};
    const socklen_t size = net::store_address(to, address);
    static_cast<void>(sendto(fd_, bytes.data(), bytes.size(), 0, &address.any, size));
  }

 private:
  int fd_;
  uint16_t port_ = 0;
  std::array<uint8_t, 2'048> room_{};
};

// Sends a stage to all viewers: the same bytes, in GSO messages, sixteen at a time.
class Stage {
 public:
  Stage(const RelaySocket& socket, const std::vector<std::unique_ptr<peer::PeerSocket>>& viewers)
      : fd_(socket.fd()) {
    for (const auto& viewer : viewers) {
      net::store_address(viewer->local(), addresses_.emplace_back());
    }
  }

  void run(const std::atomic<bool>& stopped) {
    auto next_frame = Clock::now();
    auto next_sound = next_frame;
    while (!stopped) {
      std::this_thread::sleep_until(std::min(next_frame, next_sound));
      const auto now = Clock::now();
      if (now >= next_frame) {
        for (size_t i = 0; i < kFrame; ++i) {
          write(std::span(frame_).subspan(i * kVideoSize, kVideoSize), true, video_++);
        }
        send(frame_, kVideoSize);
        next_frame += std::chrono::milliseconds(32);
      }
      if (now >= next_sound) {
        write(sound_, false, audio_++);
        send(sound_, 0);
        next_sound += std::chrono::milliseconds(20);
      }
    }
  }
  uint64_t sent() const { return sent_; }

 private:
  static constexpr size_t kMessages = 16;

  void write(MutableBytes packet, bool is_video, uint32_t number) {
    ByteWriter writer(packet);
    writer.u8(0x91);  // with an extension and one CSRC
    writer.u8(is_video ? 0x80 | 96 : 111);
    writer.u16(static_cast<uint16_t>(number));
    writer.u32(is_video ? number / uint32_t{kFrame} * 3'000 : number * 960);
    writer.u32(is_video ? 2 : 1);
    writer.u32(77);
    writer.u32(0xbede0001);
    writer.u8(peer::kTransportSequenceExtension << 4 | 1);
    writer.u16(transport_++);
  }

  void send(MutableBytes bytes, uint16_t segment) {
    iovec part{bytes.data(), bytes.size()};
    alignas(cmsghdr) std::array<uint8_t, CMSG_SPACE(sizeof segment)> control{};
    const cmsghdr head{
        .cmsg_len = CMSG_LEN(sizeof segment), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT};
    std::memcpy(control.data(), &head, sizeof head);
    std::memcpy(control.data() + CMSG_LEN(0), &segment, sizeof segment);
    std::array<mmsghdr, kMessages> messages{};
    for (size_t first = 0; first < addresses_.size(); first += kMessages) {
      const size_t count = std::min(kMessages, addresses_.size() - first);
      for (size_t i = 0; i < count; ++i) {
        msghdr& header = messages[i].msg_hdr;
        header = {};
        header.msg_name = &addresses_[first + i];
        header.msg_namelen = sizeof(sockaddr_in);
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        if (segment == 0) continue;
        header.msg_control = control.data();
        header.msg_controllen = control.size();
      }
      const int sent = sendmmsg(fd_, messages.data(), static_cast<unsigned>(count), 0);
      if (sent > 0) sent_ += static_cast<uint64_t>(sent) * (segment == 0 ? 1 : kFrame);
    }
  }

  int fd_;
  std::vector<net::SocketAddress> addresses_;
  std::array<uint8_t, kFrame * kVideoSize> frame_{};
  std::array<uint8_t, kAudioSize> sound_{};
  uint32_t video_ = 0;
  uint32_t audio_ = 0;
  uint16_t transport_ = 0;
  uint64_t sent_ = 0;
};

std::string answer_of(const peer::Identity& identity, uint16_t port) {
  std::string text = "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-lite\r\n";
  text += "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtcp-mux\r\n";
  text += std::string("a=ice-ufrag:ours\r\na=ice-pwd:") + kPassword + "\r\na=setup:passive\r\n";
  text += "a=fingerprint:" + identity.certificate.fingerprint().to_string() + "\r\n";
  return text + "a=candidate:1 1 udp 2130706431 127.0.0.1 " + std::to_string(port) +
         " typ host\r\n";
}

class Viewers {
 public:
  explicit Viewers(size_t count) {
    for (size_t i = 0; i < count; ++i) add();
  }

  bool connect() {
    net::FdWatcher watcher(loop_, relay_.fd(), [this](net::FdWatcher::Ready) { answer(); });
    watcher.watch({.readable = true});
    // A hundred at a time, so that no handshake waits for long.
    constexpr size_t kTogether = 100;
    net::Timer check(loop_, [&] {
      while (started_ < sockets_.size() && started_ < connected_ + kTogether) {
        sockets_[started_++]->start(answer_of(identity_, relay_.port()));
      }
      if (connected_ == sockets_.size() || Clock::now() > give_up_) return loop_.stop();
      check_->set(loop_.now() + std::chrono::milliseconds(1));
    });
    check_ = &check;
    give_up_ = Clock::now() + std::chrono::seconds(120);
    check.set(loop_.now());
    loop_.run();
    far_.clear();
    return connected_ == sockets_.size();
  }

  // What the viewers' thread does for so long. Returns its CPU seconds.
  double run(std::chrono::seconds duration) {
    const auto end = Clock::now() + duration;
    net::Timer tick(loop_, [&] {
      give_feedback();
      if (Clock::now() > end) return loop_.stop();
      check_->set(loop_.now() + std::chrono::milliseconds(20));
    });
    check_ = &tick;
    tick.set(loop_.now());
    const double before = thread_seconds();
    loop_.run();
    return thread_seconds() - before;
  }

  uint64_t packets() const { return packets_; }
  uint64_t overflows() const {
    uint64_t all = 0;
    for (const auto& socket : sockets_) all += socket->statistics().overflows;
    return all;
  }
  uint64_t feedback() const {
    uint64_t all = 0;
    for (const auto& media : media_) all += media->feedback().transport_feedback;
    return all;
  }
  std::string options() const { return set_.options_text(); }
  const std::vector<std::unique_ptr<peer::PeerSocket>>& sockets() const { return sockets_; }
  const RelaySocket& relay() const { return relay_; }

 private:
  void add() {
    media_.push_back(std::make_unique<ViewerMedia>(rtp::Ssrc(7)));
    ViewerMedia& media = *media_.back();
    sockets_.push_back(std::make_unique<peer::PeerSocket>(
        set_, peer::Options{.decrypts = false}, identity_,
        peer::PeerSocket::Handlers{.on_rtp =
                                       [this, &media](const auto& received, TimePoint now) {
                                         ++packets_;
                                         media.receive(received, now);
                                       },
                                   .on_rtcp = {},
                                   .on_connected = [this] { ++connected_; }}));
    far_.emplace(sockets_.back()->local(), std::make_unique<FarEnd>(identity_));
  }

  // Checks and handshakes, as the relay; what comes later is feedback, which nobody reads.
  void answer() {
    Address from;
    for (MutableBytes bytes = relay_.receive(from); !bytes.empty(); bytes = relay_.receive(from)) {
      const auto far = far_.find(from);
      if (far != far_.end()) answer(*far->second, bytes, from);
    }
  }
  void answer(FarEnd& far, MutableBytes bytes, const Address& from) {
    if (ice::classify(bytes) == ice::DatagramKind::kStun) {
      ice::TransactionId id{};
      std::copy_n(bytes.begin() + 8, id.size(), id.begin());
      return relay_.send(ice::make_binding_success(id, from, crypto::HmacSha1(as_bytes(kPassword))),
                         from);
    }
    far.endpoint.receive(bytes, loop_.now(), far.out);
    while (far.out.step) {
      auto step = std::move(far.out.step);
      step->run();
      far.endpoint.resume(std::move(step), loop_.now(), far.out);
    }
    for (const auto& answer : far.out.datagrams) relay_.send(answer, from);
    far.out = {};
  }

  void give_feedback() {
    const TimePoint now = loop_.now();
    for (size_t i = 0; i < sockets_.size(); ++i) {
      rtcp_.clear();
      media_[i]->write_due(now, rtcp_);
      for (const auto& compound : rtcp_) {
        sockets_[i]->send(sockets_[i]->peer().seal_rtcp(compound));
      }
    }
  }

  net::EventLoop loop_;
  peer::Identity identity_{std::chrono::seconds(1'800'000'000)};
  peer::SocketSet set_{loop_};
  RelaySocket relay_;
  std::map<Address, std::unique_ptr<FarEnd>> far_;
  std::vector<std::unique_ptr<ViewerMedia>> media_;
  std::vector<std::unique_ptr<peer::PeerSocket>> sockets_;
  std::vector<std::vector<uint8_t>> rtcp_;
  net::Timer* check_ = nullptr;
  Clock::time_point give_up_{};
  size_t started_ = 0;
  size_t connected_ = 0;
  uint64_t packets_ = 0;
};

// One iteration is kSeconds of a stage.
void BM_ListeningViewers(benchmark::State& state) {
  peer::raise_descriptor_limit();
  if (std::thread::hardware_concurrency() > kRelayCpu) net::pin_this_thread(kViewersCpu);
  Viewers viewers(static_cast<size_t>(state.range(0)));
  if (!viewers.connect()) return state.SkipWithError("not all viewers could connect");
  double cpu = 0;
  uint64_t sent = 0;
  for (auto _ : state) {
    std::atomic<bool> stopped = false;
    Stage stage(viewers.relay(), viewers.sockets());
    std::jthread sender([&] {
      net::pin_this_thread(kRelayCpu);
      stage.run(stopped);
    });
    cpu += viewers.run(std::chrono::seconds(kSeconds));
    stopped = true;
    sender.join();
    sent += stage.sent();
  }
  const auto packets = static_cast<double>(viewers.packets());
  const double per_packet = cpu / packets;
  state.counters["us_per_packet"] = per_packet * 1e6;
  state.counters["packets_per_second"] =
      packets / static_cast<double>(state.iterations()) / kSeconds;
  state.counters["viewers_of_300_per_core"] = 1 / (per_packet * 300);
  state.counters["received_share"] = packets / static_cast<double>(sent);
  state.counters["overflows"] = static_cast<double>(viewers.overflows());
  state.counters["feedback_per_viewer"] = static_cast<double>(viewers.feedback()) /
                                          static_cast<double>(state.range(0)) / kSeconds /
                                          static_cast<double>(state.iterations());
  state.SetLabel(viewers.options());
}
BENCHMARK(BM_ListeningViewers)->Arg(500)->Arg(2'000)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace simpul::load

BENCHMARK_MAIN();
