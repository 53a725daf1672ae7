#include "net/tcp_acceptor.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "net/socket_address.h"

namespace simpul::net {

Expected<std::unique_ptr<TcpAcceptor>, std::string> TcpAcceptor::listen(
    EventLoop& loop, const Address& address, TcpBudget& budget,
    std::function<void(TcpDescriptor)> on_accept) {
  const int family = address.is_v4() ? AF_INET : AF_INET6;
  const int fd = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return unexpected("listen on " + address.to_string() + ": " + error_text(errno));
  }
  std::unique_ptr<TcpAcceptor> acceptor(new TcpAcceptor(loop, fd, budget, std::move(on_accept)));
  if (auto bound = acceptor->bind(address); !bound) return unexpected(bound.error());
  return acceptor;
}

TcpAcceptor::TcpAcceptor(EventLoop& loop, int fd, TcpBudget& budget,
                         std::function<void(TcpDescriptor)> on_accept)
    : loop_(loop), fd_(fd), budget_(budget), on_accept_(std::move(on_accept)), pause_(loop, [this] {
        watcher_->watch({.readable = true});
      }) {}

TcpAcceptor::~TcpAcceptor() {
  watcher_.reset();
  ::close(fd_);
}

Expected<void, std::string> TcpAcceptor::bind(const Address& address) {
  const auto failure = [&address] {
    return unexpected("listen on " + address.to_string() + ": " + error_text(errno));
  };
  const int on = 1;
  // A node that starts again must not wait for the connections of the one before.
  if (setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return failure();
  if (!address.is_v4() && setsockopt(fd_, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
    return failure();
  }
  SocketAddress local{};
  socklen_t length = store_address(address, local);
  if (::bind(fd_, &local.any, length) != 0 || ::listen(fd_, kBacklog) != 0) return failure();
  length = sizeof local;
  if (::getsockname(fd_, &local.any, &length) != 0) return failure();
  local_address_ = load_address(local);
  watcher_ = std::make_unique<FdWatcher>(loop_, fd_, [this](FdWatcher::Ready) { accept(); });
  watcher_->watch({.readable = true});
  return {};
}

void TcpAcceptor::accept() {
  for (int taken = 0; taken < kTakenMax; ++taken) {
    SocketAddress remote{};
    socklen_t length = sizeof remote;
    const int fd = ::accept4(fd_, &remote.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      on_accept_(TcpDescriptor(fd, load_address(remote), budget_));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      watcher_->watch({});
      pause_.set(loop_.now() + kPause);
      return;
    }
    // Who knocked has gone: the next one.
    if (errno != ECONNABORTED && errno != EINTR && errno != EPROTO) return;
  }
}

}  // namespace simpul::net
