#include "net/tcp_descriptor.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "net/socket_address.h"

namespace simpul::net {
namespace {

void set_option(int fd, int name, int value) {
  // Refused, it serves more slowly.
  static_cast<void>(setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value));
}

bool may_go_on(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

size_t TcpBudget::half_of_descriptors() {
  rlimit limit{};
  constexpr size_t kOtherwise = 512;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur / 2 : kOtherwise;
}

TcpDescriptor::TcpDescriptor(int fd, const Address& remote, TcpBudget& budget)
    : fd_(fd), remote_(remote), budget_(&budget) {
  budget_->open.fetch_add(1, std::memory_order_relaxed);
  set_option(fd_, TCP_NODELAY, 1);
  set_option(fd_, TCP_NOTSENT_LOWAT, kUnsentMax);
}

TcpDescriptor::~TcpDescriptor() {
  if (fd_ < 0) return;
  ::close(fd_);
  budget_->open.fetch_sub(1, std::memory_order_relaxed);
}

TcpDescriptor::TcpDescriptor(TcpDescriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), remote_(other.remote_), budget_(other.budget_) {}

TcpDescriptor& TcpDescriptor::operator=(TcpDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(remote_, other.remote_);
  std::swap(budget_, other.budget_);
  return *this;
}

Expected<TcpDescriptor, std::string> TcpDescriptor::connect(const Address& to, TcpBudget& budget,
                                                            const std::optional<Address>& from) {
  const auto failure = [&to] {
    return unexpected("connect " + to.to_string() + ": " + error_text(errno));
  };
  const int family = to.is_v4() ? AF_INET : AF_INET6;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return failure();
  TcpDescriptor descriptor(fd, to, budget);
  SocketAddress local{};
  if (from && ::bind(fd, &local.any, store_address(*from, local)) != 0) return failure();
  SocketAddress remote{};
  const socklen_t length = store_address(to, remote);
  if (::connect(fd, &remote.any, length) != 0 && errno != EINPROGRESS) return failure();
  return descriptor;
}

std::optional<size_t> TcpDescriptor::receive(MutableBytes room) {
  const ssize_t size = ::recv(fd_, room.data(), room.size(), MSG_DONTWAIT);
  if (size > 0) return static_cast<size_t>(size);
  if (size < 0 && may_go_on(errno)) return 0;
  return std::nullopt;
}

std::optional<size_t> TcpDescriptor::send(std::span<const iovec> parts) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());  // the kernel only reads it
  message.msg_iovlen = parts.size();
  const ssize_t size = ::sendmsg(fd_, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (size >= 0) return static_cast<size_t>(size);
  if (may_go_on(errno)) return 0;
  return std::nullopt;
}

std::optional<size_t> TcpDescriptor::send(Bytes bytes) {
  const iovec part{const_cast<uint8_t*>(bytes.data()), bytes.size()};
  return send(std::span(&part, 1));
}

Address TcpDescriptor::local() const {
  SocketAddress address{};
  socklen_t length = sizeof address;
  return ::getsockname(fd_, &address.any, &length) == 0 ? load_address(address) : Address{};
}

}  // namespace simpul::net
