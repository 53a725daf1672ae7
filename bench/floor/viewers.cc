#include "bench/floor/viewers.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <vector>

#include "bench/floor/feeder.h"
#include "dtls/srtp_sender.h"

namespace simpul::floor_bench {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// How often simpul-load looks at what its viewers have to say.
constexpr auto kTick = milliseconds(20);
constexpr int kLateTicksMax = 5;  // who was kept from sending does not send all of it at once

class Viewers {
 public:
  Viewers(const Shape& shape, const Sockets& sockets, const LoopbackSocket& relay)
      : sockets_(sockets),
        relay_(relay),
        queue_(epoll_create1(EPOLL_CLOEXEC)),
        per_tick_(shape.feedback_rate * static_cast<double>(sockets.size()) *
                  std::chrono::duration<double>(kTick).count()),
        message_(shape.feedback_bytes) {
    // As simpul-load has it: on loopback a part of that is the sender's work.
    constexpr int kOn = 1;
    for (size_t i = 0; i < sockets.size(); ++i) {
      setsockopt(sockets[i]->fd(), SOL_SOCKET, SO_TIMESTAMPNS, &kOn, sizeof kOn);
      senders_.emplace_back(engine_, viewer_key(shape.profile, i));
      epoll_event wish{.events = EPOLLIN, .data = {.fd = sockets[i]->fd()}};
      epoll_ctl(queue_, EPOLL_CTL_ADD, sockets[i]->fd(), &wish);
    }
    message_[0] = 0x8f;  // version 2; transport-wide feedback
    message_[1] = kFeedbackType;
    store_be16(MutableBytes(message_).subspan<2, 2>(),
               static_cast<uint16_t>(message_.size() / 4 - 1));
  }

  void read() {
    const auto left = std::chrono::ceil<milliseconds>(next_tick_ - Clock::now());
    const int patience = per_tick_ > 0 ? std::max(static_cast<int>(left.count()), 0) : -1;
    const int count = epoll_wait(queue_, ready_.data(), static_cast<int>(ready_.size()), patience);
    for (int i = 0; i < count; ++i) {
      while (recv(ready_[static_cast<size_t>(i)].data.fd, packet_.data(), packet_.size(), 0) > 0) {
      }
    }
  }

  void give_feedback() {
    const auto now = Clock::now();
    if (per_tick_ == 0 || now < next_tick_) return;
    for (due_ += per_tick_; due_ >= 1; due_ -= 1) {
      send(next_);
      next_ = (next_ + 1) % sockets_.size();
    }
    next_tick_ = std::max(next_tick_ + kTick, now - kLateTicksMax * kTick);
  }

 private:
  void send(size_t viewer) {
    std::array<uint8_t, kFeedbackBytesMax + dtls::kSrtcpOverheadMax> room;
    const size_t size = senders_[viewer].seal_rtcp(message_, room);
    sendto(sockets_[viewer]->fd(), room.data(), size, 0,
           reinterpret_cast<const sockaddr*>(&relay_.address()), sizeof(sockaddr_in));
  }

  const Sockets& sockets_;
  const LoopbackSocket& relay_;
  int queue_;
  double per_tick_;  // messages of all viewers
  double due_ = 0;
  size_t next_ = 0;  // who sends next
  Clock::time_point next_tick_ = Clock::now();
  crypto::CipherEngine engine_;
  std::vector<dtls::SrtpSender> senders_;
  std::vector<uint8_t> message_;
  std::array<epoll_event, 64> ready_{};
  std::array<char, 2'048> packet_{};
};

}  // namespace

void watch_for_ever(const Shape& shape, const Sockets& sockets, const LoopbackSocket& relay) {
  Viewers viewers(shape, sockets, relay);
  while (true) {
    viewers.read();
    viewers.give_feedback();
  }
}

}  // namespace simpul::floor_bench
