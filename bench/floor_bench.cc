#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "dtls/srtp_sender.h"

// The floor of a relay on this machine: what is left of a stage when nothing but encrypting and
// sending is done. Video of 30 frames of eight packets and sound of 50 packets a second leave for
// each subscriber, at that pace, so that caches and sleeping readers are as they are for the relay.
// A process of its own reads the subscribers' sockets, as somebody does in earnest.
namespace simpul::dtls {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kSubscribers = 100;
constexpr size_t kFrame = 8;  // packets
constexpr size_t kHeaderSize = 20;
constexpr size_t kVideoSize = 1'100;  // of a payload
constexpr size_t kAudioSize = 80;
constexpr size_t kTagSize = 16;  // of GCM
// What one iteration sends, a tenth of a second.
constexpr size_t kFrames = 3;
constexpr size_t kAudioPackets = 5;
constexpr auto kPeriod = std::chrono::milliseconds(100);

class LoopbackSocket {
 public:
  LoopbackSocket() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    works_ = bind(fd_, reinterpret_cast<sockaddr*>(&address_), size) == 0 &&
             getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &size) == 0;
  }
  ~LoopbackSocket() { close(fd_); }
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;

  bool works() const { return works_; }
  int fd() const { return fd_; }
  sockaddr_in& address() { return address_; }

 private:
  int fd_;
  sockaddr_in address_{};
  bool works_ = false;
};

using Sockets = std::array<LoopbackSocket, kSubscribers>;

[[noreturn]] void read_for_ever(const Sockets& sockets) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int queue = epoll_create1(EPOLL_CLOEXEC);
  for (const LoopbackSocket& socket : sockets) {
    epoll_event wish{.events = EPOLLIN, .data = {.fd = socket.fd()}};
    epoll_ctl(queue, EPOLL_CTL_ADD, socket.fd(), &wish);
  }
  std::array<epoll_event, 64> ready{};
  std::array<char, 2'048> packet{};
  while (true) {
    const int count = epoll_wait(queue, ready.data(), ready.size(), -1);
    for (int i = 0; i < count; ++i) {
      while (recv(ready[static_cast<size_t>(i)].data.fd, packet.data(), packet.size(), 0) > 0) {
      }
    }
  }
}

// Reads the sockets in a process of its own for as long as it lives.
class Reader {
 public:
  explicit Reader(const Sockets& sockets) : process_(fork()) {
    if (process_ == 0) read_for_ever(sockets);
  }
  ~Reader() {
    if (process_ <= 0) return;
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  bool works() const { return process_ > 0; }

 private:
  pid_t process_;
};

// One run of packets of equal size for each subscriber, ready for sendmmsg.
class Runs {
 public:
  Runs(Sockets& sockets, size_t packets, size_t payload_size)
      : packets_(packets),
        segment_(static_cast<uint16_t>(kHeaderSize + payload_size + kTagSize)),
        arena_(kSubscribers * packets * segment_) {
    for (size_t i = 0; i < kSubscribers; ++i) {
      auto* control = reinterpret_cast<cmsghdr*>(controls_[i].bytes.data());
      control->cmsg_level = SOL_UDP;
      control->cmsg_type = UDP_SEGMENT;
      control->cmsg_len = CMSG_LEN(sizeof segment_);
      std::memcpy(CMSG_DATA(control), &segment_, sizeof segment_);
      parts_[i] = {arena_.data() + i * run_size(), run_size()};
      msghdr& header = messages_[i].msg_hdr;
      header.msg_name = &sockets[i].address();
      header.msg_namelen = sizeof(sockaddr_in);
      header.msg_iov = &parts_[i];
      header.msg_iovlen = 1;
      if (packets == 1) continue;
      header.msg_control = controls_[i].bytes.data();
      header.msg_controllen = controls_[i].bytes.size();
    }
  }

  size_t packets() const { return packets_; }
  size_t segment() const { return segment_; }
  MutableBytes of(size_t subscriber) {
    return MutableBytes(arena_).subspan(subscriber * run_size(), run_size());
  }

  bool send(int from) {
    size_t sent = 0;
    while (sent < kSubscribers) {
      const int done =
          sendmmsg(from, &messages_[sent], static_cast<unsigned>(kSubscribers - sent), 0);
      if (done <= 0) return false;
      sent += static_cast<size_t>(done);
    }
    return true;
  }

 private:
  struct alignas(cmsghdr) Control {
    std::array<uint8_t, CMSG_SPACE(sizeof(uint16_t))> bytes{};
  };
  size_t run_size() const { return packets_ * segment_; }

  size_t packets_;
  uint16_t segment_;
  std::vector<uint8_t> arena_;
  std::array<Control, kSubscribers> controls_{};
  std::array<iovec, kSubscribers> parts_{};
  std::array<mmsghdr, kSubscribers> messages_{};
};

// The sessions of the subscribers, and what is sent to all of them.
class Sessions {
 public:
  Sessions() : payload_(kFrame * kVideoSize, 0x5a) {
    for (size_t i = 0; i < kSubscribers; ++i) {
      std::array<uint8_t, 32> key{};
      key.fill(static_cast<uint8_t>(i + 1));
      constexpr auto kProfile = SrtpProfile::kAeadAes128Gcm;
      senders_.emplace_back(engine_,
                            SrtpMasterKey{kProfile, Bytes(key).first(master_key_size(kProfile)),
                                          Bytes(key).first(master_salt_size(kProfile))});
    }
  }

  void seal(Runs& runs) {
    const size_t payload_size = runs.segment() - kHeaderSize - kTagSize;
    for (size_t subscriber = 0; subscriber < kSubscribers; ++subscriber) {
      const MutableBytes run = runs.of(subscriber);
      for (size_t i = 0; i < runs.packets(); ++i) {
        const MutableBytes destination = run.subspan(i * runs.segment(), runs.segment());
        std::ranges::fill(destination.first(kHeaderSize), uint8_t{0});
        destination[0] = 0x90;
        destination[1] = 96;
        store_be16(destination.subspan<2, 2>(), static_cast<uint16_t>(index_ + i));
        destination[15] = 1;  // one word of extension
        batch_[i] = {.destination = destination,
                     .header_size = kHeaderSize,
                     .head = {},
                     .body = Bytes(payload_).subspan(i * kVideoSize, payload_size),
                     .padding = 0,
                     .index = index_ + i};
      }
      senders_[subscriber].seal(std::span(batch_).first(runs.packets()));
    }
    index_ += runs.packets();
  }

 private:
  crypto::CipherEngine engine_;
  std::vector<SrtpSender> senders_;
  std::vector<uint8_t> payload_;
  std::array<RtpToSeal, kFrame> batch_{};
  uint64_t index_ = 0;
};

// Arguments: whether packets are sealed, whether they are sent.
void BM_Floor(benchmark::State& state) {
  const auto sockets = std::make_unique<Sockets>();
  const Reader reader(*sockets);
  const LoopbackSocket sender;
  if (!std::ranges::all_of(*sockets, &LoopbackSocket::works) || !reader.works() ||
      !sender.works()) {
    return state.SkipWithError("no sockets");
  }
  const auto video = std::make_unique<Runs>(*sockets, kFrame, kVideoSize);
  const auto audio = std::make_unique<Runs>(*sockets, 1, kAudioSize);
  Sessions sessions;
  bool all_sent = true;
  const auto forward = [&](Runs& runs) {
    if (state.range(0) != 0) sessions.seal(runs);
    if (state.range(1) != 0) all_sent = all_sent && runs.send(sender.fd());
  };
  auto period = Clock::now();
  for (auto _ : state) {
    for (size_t i = 0; i < kFrames + kAudioPackets; ++i) {
      std::this_thread::sleep_until(period + i * kPeriod / (kFrames + kAudioPackets));
      forward(i % 3 == 1 ? *video : *audio);  // 1, 4 and 7 of eight
    }
    period += kPeriod;
  }
  if (!all_sent) state.SkipWithError("not sent");
  const auto packets =
      static_cast<double>(state.iterations()) * kSubscribers * (kFrames * kFrame + kAudioPackets);
  state.counters["per_packet"] =
      benchmark::Counter(packets, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(BM_Floor)
    ->ArgNames({"seal", "send"})
    ->Args({1, 1})
    ->Args({1, 0})
    ->Args({0, 1})
    ->Iterations(20);

}  // namespace
}  // namespace simpul::dtls

BENCHMARK_MAIN();
