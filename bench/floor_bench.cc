#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "dtls/srtp_sender.h"

// The floor of a relay on this machine: what is left when it does nothing but encrypt and send.
namespace simpul::dtls {
namespace {

constexpr size_t kSubscribers = 100;
constexpr size_t kFrame = 8;  // packets
constexpr size_t kHeaderSize = 20;
constexpr size_t kPayloadSize = 1'100;
constexpr uint16_t kSegment = kHeaderSize + kPayloadSize + 16;  // the tag of GCM

class LoopbackSocket {
 public:
  LoopbackSocket() : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int least = 0;  // the kernel makes it its minimum, which is soon full
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
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

// One run of a frame's packets for each subscriber, ready for sendmmsg. Nobody reads what arrives.
struct Subscribers {
  Subscribers() : arena(kSubscribers * kFrame * kSegment) {
    for (size_t i = 0; i < kSubscribers; ++i) {
      auto& control = controls[i].bytes;
      auto* segment = reinterpret_cast<cmsghdr*>(control.data());
      segment->cmsg_level = SOL_UDP;
      segment->cmsg_type = UDP_SEGMENT;
      segment->cmsg_len = CMSG_LEN(sizeof(uint16_t));
      std::memcpy(CMSG_DATA(segment), &kSegment, sizeof kSegment);
      parts[i] = {arena.data() + i * kFrame * kSegment, kFrame * kSegment};
      msghdr& header = messages[i].msg_hdr;
      header.msg_name = &sockets[i].address();
      header.msg_namelen = sizeof(sockaddr_in);
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
      header.msg_control = control.data();
      header.msg_controllen = control.size();
    }
  }

  bool work() const { return std::ranges::all_of(sockets, &LoopbackSocket::works); }

  bool send(int from) {
    size_t sent = 0;
    while (sent < kSubscribers) {
      const int done =
          sendmmsg(from, &messages[sent], static_cast<unsigned>(kSubscribers - sent), 0);
      if (done <= 0) return false;
      sent += static_cast<size_t>(done);
    }
    return true;
  }

  struct alignas(cmsghdr) Control {
    std::array<uint8_t, CMSG_SPACE(sizeof(uint16_t))> bytes{};
  };
  std::vector<uint8_t> arena;
  std::array<LoopbackSocket, kSubscribers> sockets;
  std::array<Control, kSubscribers> controls{};
  std::array<iovec, kSubscribers> parts{};
  std::array<mmsghdr, kSubscribers> messages{};
};

// The sessions of the subscribers, and one frame for all of them.
struct Sessions {
  Sessions() : payload(kFrame * kPayloadSize, 0x5a) {
    for (size_t i = 0; i < kSubscribers; ++i) {
      std::array<uint8_t, 32> key{};
      key.fill(static_cast<uint8_t>(i + 1));
      constexpr auto kProfile = SrtpProfile::kAeadAes128Gcm;
      senders.emplace_back(engine,
                           SrtpMasterKey{kProfile, Bytes(key).first(master_key_size(kProfile)),
                                         Bytes(key).first(master_salt_size(kProfile))});
    }
  }

  void seal(MutableBytes arena) {
    for (SrtpSender& sender : senders) {
      for (size_t i = 0; i < kFrame; ++i) {
        const MutableBytes destination = arena.subspan(i * kSegment, kSegment);
        std::ranges::fill(destination.first(kHeaderSize), uint8_t{0});
        destination[0] = 0x90;
        destination[1] = 96;
        store_be16(destination.subspan<2, 2>(), static_cast<uint16_t>(index + i));
        destination[15] = 1;  // one word of extension
        batch[i] = {.destination = destination,
                    .header_size = kHeaderSize,
                    .head = {},
                    .body = Bytes(payload).subspan(i * kPayloadSize, kPayloadSize),
                    .padding = 0,
                    .index = index + i};
      }
      sender.seal(batch);
      arena = arena.subspan(kFrame * kSegment);
    }
    index += kFrame;
  }

  crypto::CipherEngine engine;
  std::vector<SrtpSender> senders;
  std::vector<uint8_t> payload;
  std::array<RtpToSeal, kFrame> batch{};
  uint64_t index = 0;
};

void count_packets(benchmark::State& state) {
  const auto packets = static_cast<double>(state.iterations()) * kSubscribers * kFrame;
  state.counters["per_packet"] =
      benchmark::Counter(packets, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

// Arguments: whether packets are sealed, whether they are sent.
void BM_Floor(benchmark::State& state) {
  const auto subscribers = std::make_unique<Subscribers>();
  Sessions sessions;
  LoopbackSocket sender;
  if (!subscribers->work() || !sender.works()) return state.SkipWithError("no sockets");
  for (auto _ : state) {
    if (state.range(0) != 0) sessions.seal(subscribers->arena);
    if (state.range(1) != 0 && !subscribers->send(sender.fd())) {
      state.SkipWithError("not sent");
      break;
    }
  }
  count_packets(state);
}
BENCHMARK(BM_Floor)->ArgNames({"seal", "send"})->Args({1, 1})->Args({1, 0})->Args({0, 1});

}  // namespace
}  // namespace simpul::dtls

BENCHMARK_MAIN();
