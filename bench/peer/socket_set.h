#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/expected.h"
#include "base/time.h"
#include "net/event_loop.h"
#include "net/udp_socket.h"

namespace simpul::peer {

// The UDP sockets of many peers on one event loop. Each peer has its own, as people have; what they
// share is an epoll set, looked at once a turn of the loop, and one batch of buffers that all read
// into, so that a socket costs a descriptor and little else. Never UDP_GRO, which would spare the
// relay on loopback what it costs elsewhere. When a datagram came is the kernel's word, so that
// who measures delays does not measure how late it reads.
class SocketSet {
 public:
  struct Handlers {
    // Each datagram, until the next one. `came_at` is when the kernel put it into the socket,
    // however long it has waited there since.
    std::function<void(MutableBytes datagram, const Address& from, TimePoint came_at)> on_datagram;
    // After some of them; `now` is read for each socket and turn.
    std::function<void(TimePoint now)> on_read;
  };

  // One socket. It is destroyed before its set, and outside of its own handlers.
  class Socket {
   public:
    ~Socket();
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;

    // What the kernel does not take is a loss like any other.
    void send(Bytes datagram, const Address& to);
    // With the port that was taken.
    const Address& local_address() const { return local_; }
    const net::UdpStatistics& statistics() const { return statistics_; }

   private:
    friend class SocketSet;
    Socket(SocketSet& set, int fd, const Address& local, Handlers handlers);

    SocketSet& set_;
    int fd_;
    size_t place_ = 0;
    Address local_;
    Handlers handlers_;
    net::UdpStatistics statistics_;
    uint32_t overflows_ = 0;  // the kernel's counter, which wraps
  };

  explicit SocketSet(net::EventLoop& loop);
  ~SocketSet();
  SocketSet(const SocketSet&) = delete;
  SocketSet& operator=(const SocketSet&) = delete;

  // Port 0 takes a free one. The error is one line.
  Expected<std::unique_ptr<Socket>, std::string> open(const Address& local, Handlers handlers);

  net::EventLoop& loop() { return loop_; }
  size_t size() const { return size_; }
  // The options that its sockets have, as they are in effect; for reports.
  std::string options_text() const;

 private:
  struct Batch;
  void compare_clocks(TimePoint now);
  void read_ready();
  void read(Socket& socket);
  void take(Socket& socket, size_t count);

  net::EventLoop& loop_;
  int epoll_fd_;
  std::unique_ptr<Batch> batch_;
  std::vector<Socket*> places_;  // by the number that epoll gives back; null: free
  std::vector<size_t> free_places_;
  size_t size_ = 0;
  Duration wall_ahead_{0};  // of our clock; the kernel tells when by the wall clock
  TimePoint compare_at_{};
  std::optional<net::FdWatcher> watcher_;
};

}  // namespace simpul::peer
