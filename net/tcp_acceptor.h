#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/expected.h"
#include "net/event_loop.h"
#include "net/tcp_descriptor.h"

namespace simpul::net {

// Listens on one address and hands over the descriptor of each connection that comes; what is done
// with it, and whether there is room for it, is its user's to say. When the process has no
// descriptor left, the kernel keeps those who knock, and it tries again.
class TcpAcceptor {
 public:
  static constexpr int kBacklog = 1024;
  // Connections taken in one turn of the loop.
  static constexpr int kTakenMax = 64;
  static constexpr Duration kPause = std::chrono::milliseconds(100);

  // Port 0 takes a free one. The error is one line: "listen on 127.0.0.1:7700: address already in
  // use".
  static Expected<std::unique_ptr<TcpAcceptor>, std::string> listen(
      EventLoop& loop, const Address& address, TcpBudget& budget,
      std::function<void(TcpDescriptor)> on_accept);
  ~TcpAcceptor();
  TcpAcceptor(const TcpAcceptor&) = delete;
  TcpAcceptor& operator=(const TcpAcceptor&) = delete;

  // With the port that was taken.
  const Address& local_address() const { return local_address_; }

 private:
  TcpAcceptor(EventLoop& loop, int fd, TcpBudget& budget,
              std::function<void(TcpDescriptor)> on_accept);
  Expected<void, std::string> bind(const Address& address);
  void accept();

  EventLoop& loop_;
  int fd_;
  TcpBudget& budget_;
  std::function<void(TcpDescriptor)> on_accept_;
  Address local_address_;
  std::unique_ptr<FdWatcher> watcher_;
  Timer pause_;
};

}  // namespace simpul::net
