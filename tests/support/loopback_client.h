#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "base/address.h"

namespace simpul::testing {

// A blocking TCP client of a server on 127.0.0.1. What hangs ends after a minute, and the test
// fails by what it did not get.
class LoopbackClient {
 public:
  // kLittle: what the kernel takes for a client who does not read is a few kilobytes, not
  // megabytes.
  enum class Buffers : uint8_t { kUsual, kLittle };

  explicit LoopbackClient(const Address& server, Buffers buffers = Buffers::kUsual)
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (buffers == Buffers::kLittle) {
      const int size = 4'096;
      ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
      const int segment = 536;  // by which the other end reckons its buffer, too
      ::setsockopt(fd_, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment));
    }
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server.port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval limit{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    is_connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0;
  }
  ~LoopbackClient() { ::close(fd_); }
  LoopbackClient(const LoopbackClient&) = delete;
  LoopbackClient& operator=(const LoopbackClient&) = delete;

  bool is_connected() const { return is_connected_; }
  void send(std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<size_t>(sent));
    }
  }
  void end() { ::shutdown(fd_, SHUT_WR); }

  // Until `text` has come (and more, perhaps), or the end.
  std::string receive_until(std::string_view text) {
    while (received_.find(text) == std::string::npos && receive_some()) {
    }
    return std::exchange(received_, {});
  }
  std::string receive_all() {
    while (receive_some()) {
    }
    return std::exchange(received_, {});
  }

 private:
  bool receive_some() {
    std::array<char, 16384> room;
    const auto size = ::recv(fd_, room.data(), room.size(), 0);
    if (size <= 0) return false;
    received_.append(room.data(), static_cast<size_t>(size));
    return true;
  }

  int fd_;
  bool is_connected_ = false;
  std::string received_;
};

}  // namespace simpul::testing
