#pragma once

#include <netinet/in.h>
#include <sys/types.h>

#include <memory>
#include <vector>

namespace simpul::floor_bench {

// A UDP socket on loopback with large buffers.
class LoopbackSocket {
 public:
  LoopbackSocket();
  ~LoopbackSocket();
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;

  bool works() const { return works_; }
  int fd() const { return fd_; }
  sockaddr_in& address() { return address_; }
  const sockaddr_in& address() const { return address_; }

 private:
  int fd_;
  sockaddr_in address_{};
  bool works_ = false;
};

using Sockets = std::vector<std::unique_ptr<LoopbackSocket>>;

// A process of its own for as long as the object lives; its CPU time is nobody else's.
class Process {
 public:
  template <class Body>
  explicit Process(const Body& body) : process_(begin()) {
    if (process_ == 0) body();
  }
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  bool works() const { return process_ > 0; }

 private:
  static pid_t begin();
  pid_t process_;
};

}  // namespace simpul::floor_bench
