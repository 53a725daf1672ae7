#include "bench/peer/socket_set.h"

#include <netinet/udp.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "net/socket_address.h"

namespace simpul::peer {
namespace {

constexpr size_t kBatch = 32;
constexpr size_t kEvents = 256;
constexpr size_t kDatagramMax = 2'048;
constexpr Duration kCompareInterval = std::chrono::seconds(1);
constexpr int kComparisons = 3;

// None of these is needed to work.
void set_option(int fd, int level, int name, int value) {
  static_cast<void>(setsockopt(fd, level, name, &value, sizeof value));
}

int option_of(int fd, int level, int name) {
  int value = 0;
  socklen_t length = sizeof value;
  return getsockopt(fd, level, name, &value, &length) == 0 ? value : 0;
}

void set_buffer(int fd, int forced, int asked) {
  constexpr int kSize = net::UdpSocket::kBufferSize;
  // Over the system's limit with the right to do so, up to it without.
  if (setsockopt(fd, SOL_SOCKET, forced, &kSize, sizeof kSize) != 0) {
    set_option(fd, SOL_SOCKET, asked, kSize);
  }
}

// What is larger than the path takes leaves in fragments, as with the relay's own sockets.
void set_options(int fd, bool is_v4) {
  set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
  set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
  set_option(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
  set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  if (is_v4) return set_option(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  set_option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
}

// What the kernel says beside a datagram.
struct Aside {
  std::optional<uint32_t> overflows = {};  // so far, of this socket
  std::optional<Duration> came_at = {};    // by the wall clock, since 1970
};

Aside read_aside(msghdr& header) {
  Aside aside;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SO_RXQ_OVFL) {
      uint32_t overflows = 0;
      std::memcpy(&overflows, CMSG_DATA(part), sizeof overflows);
      aside.overflows = overflows;
    } else if (part->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time{};
      std::memcpy(&time, CMSG_DATA(part), sizeof time);
      aside.came_at = std::chrono::duration_cast<Duration>(std::chrono::seconds(time.tv_sec) +
                                                           std::chrono::nanoseconds(time.tv_nsec));
    }
  }
  return aside;
}

}  // namespace

// What one recvmmsg() works with, its pointers set once.
struct SocketSet::Batch {
  struct alignas(cmsghdr) Control {
    std::array<uint8_t, CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(timespec))> bytes{};
  };

  Batch() {
    for (size_t i = 0; i < kBatch; ++i) {
      parts[i] = {memory[i].data(), memory[i].size()};
      msghdr& header = messages[i].msg_hdr;
      header.msg_iov = &parts[i];
      header.msg_iovlen = 1;
      header.msg_name = &from[i];
      header.msg_control = controls[i].bytes.data();
      make_ready(i);
    }
  }
  // What the kernel overwrote.
  void make_ready(size_t i) {
    messages[i].msg_hdr.msg_namelen = sizeof(net::SocketAddress);
    messages[i].msg_hdr.msg_controllen = sizeof(Control);
  }

  std::array<epoll_event, kEvents> events{};
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  std::array<net::SocketAddress, kBatch> from{};
  std::array<Control, kBatch> controls{};
  std::array<std::array<uint8_t, kDatagramMax>, kBatch> memory{};
};

SocketSet::Socket::Socket(SocketSet& set, int fd, const Address& local, Handlers handlers)
    : set_(set), fd_(fd), local_(local), handlers_(std::move(handlers)) {}

SocketSet::Socket::~Socket() {
  ::close(fd_);  // which takes it off the epoll set
  set_.places_[place_] = nullptr;
  set_.free_places_.push_back(place_);
  --set_.size_;
}

void SocketSet::Socket::send(Bytes datagram, const Address& to) {
  net::SocketAddress address{};
  const socklen_t length = net::store_address(to, address);
  static_cast<void>(
      ::sendto(fd_, datagram.data(), datagram.size(), MSG_DONTWAIT, &address.any, length));
}

SocketSet::SocketSet(net::EventLoop& loop)
    : loop_(loop), epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)), batch_(std::make_unique<Batch>()) {
  SIMPUL_CHECK(epoll_fd_ >= 0);
  watcher_.emplace(loop_, epoll_fd_, [this](net::FdWatcher::Ready) { read_ready(); });
  watcher_->watch({.readable = true});
}

SocketSet::~SocketSet() {
  SIMPUL_CHECK(size_ == 0);
  watcher_.reset();
  ::close(epoll_fd_);
}

Expected<std::unique_ptr<SocketSet::Socket>, std::string> SocketSet::open(const Address& local,
                                                                          Handlers handlers) {
  const int family = local.is_v4() ? AF_INET : AF_INET6;
  const int fd = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return unexpected(std::string("socket: ") + net::error_text(errno));
  set_options(fd, local.is_v4());
  net::SocketAddress address{};
  socklen_t length = net::store_address(local, address);
  if (::bind(fd, &address.any, length) != 0) {
    const std::string reason = net::error_text(errno);
    ::close(fd);
    return unexpected("bind " + local.to_string() + ": " + reason);
  }
  length = sizeof address;
  SIMPUL_CHECK(::getsockname(fd, &address.any, &length) == 0);
  std::unique_ptr<Socket> socket(
      new Socket(*this, fd, net::load_address(address), std::move(handlers)));
  if (free_places_.empty()) {
    free_places_.push_back(places_.size());
    places_.push_back(nullptr);
  }
  socket->place_ = free_places_.back();
  free_places_.pop_back();
  places_[socket->place_] = socket.get();
  ++size_;
  epoll_event event{.events = EPOLLIN, .data = {.u64 = socket->place_}};
  SIMPUL_CHECK(::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) == 0);
  return socket;
}

// The wall clock may be set or slewed at any time. Of several comparisons the one counts between
// whose ends the least time passed.
void SocketSet::compare_clocks(TimePoint now) {
  compare_at_ = now + kCompareInterval;
  Duration least = Duration::max();
  for (int i = 0; i < kComparisons; ++i) {
    const TimePoint before = net::EventLoop::clock_now();
    const Duration wall(net::EventLoop::wall_clock_unix_us());
    const Duration took = net::EventLoop::clock_now() - before;
    if (took >= least) continue;
    least = took;
    wall_ahead_ = wall - (before + took / 2).time_since_epoch();
  }
}

// Each socket that has something is read once; what is left makes the set readable again, behind
// whatever else the loop has to do.
void SocketSet::read_ready() {
  const int count = ::epoll_wait(epoll_fd_, batch_->events.data(), static_cast<int>(kEvents), 0);
  for (int i = 0; i < count; ++i) {
    // A handler of another one may have closed it, or put a new one into its place.
    Socket* socket = places_[batch_->events[static_cast<size_t>(i)].data.u64];
    if (socket != nullptr) read(*socket);
  }
}

void SocketSet::read(Socket& socket) {
  ++socket.statistics_.system_calls;
  const int count = ::recvmmsg(socket.fd_, batch_->messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count > 0) return take(socket, static_cast<size_t>(count));
  if (errno != EAGAIN && errno != EINTR) ++socket.statistics_.receive_errors;
}

void SocketSet::take(Socket& socket, size_t count) {
  const TimePoint now = net::EventLoop::clock_now();
  if (now >= compare_at_) compare_clocks(now);
  Batch& batch = *batch_;
  for (size_t i = 0; i < count; ++i) {
    mmsghdr& message = batch.messages[i];
    const Aside aside = read_aside(message.msg_hdr);
    if (aside.overflows) {
      socket.statistics_.overflows +=
          *aside.overflows - std::exchange(socket.overflows_, *aside.overflows);
    }
    const TimePoint came_at = aside.came_at ? TimePoint(*aside.came_at - wall_ahead_) : now;
    const bool truncated = (message.msg_hdr.msg_flags & MSG_TRUNC) != 0;
    batch.make_ready(i);
    if (truncated) {
      ++socket.statistics_.dropped_truncated;
      continue;
    }
    ++socket.statistics_.datagrams;
    socket.statistics_.bytes += message.msg_len;
    socket.handlers_.on_datagram(std::span(batch.memory[i]).first(message.msg_len),
                                 net::load_address(batch.from[i]), std::min(came_at, now));
  }
  socket.handlers_.on_read(now);
}

std::string SocketSet::options_text() const {
  for (const Socket* socket : places_) {
    if (socket == nullptr) continue;
    const auto is_on = [&](int level, int name, const char* text) {
      return (option_of(socket->fd_, level, name) == 0 ? "no " : "") + std::string(text);
    };
    return "SO_RCVBUF " + std::to_string(option_of(socket->fd_, SOL_SOCKET, SO_RCVBUF)) + ", " +
           is_on(SOL_SOCKET, SO_RXQ_OVFL, "SO_RXQ_OVFL") + ", " +
           is_on(SOL_SOCKET, SO_TIMESTAMPNS, "SO_TIMESTAMPNS") + ", " +
           is_on(SOL_UDP, UDP_GRO, "UDP_GRO");
  }
  return "no socket";
}

}  // namespace simpul::peer
