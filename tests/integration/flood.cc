#include "tests/integration/flood.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <thread>

namespace simpul::testing {
namespace {

constexpr size_t kBurst = 128;
// Of what the kernel grants to everybody (net.core.rmem_max, 208 KiB and twice that in its own
// count): room for a burst more, and for the call's own packets.
constexpr size_t kWaitingMax = 128 * 1024;

}  // namespace

Flood::Flood(const Address& to, const char* from_ip)
    : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)), port_(to.port) {
  sockaddr_in from{};
  from.sin_family = AF_INET;
  ::inet_pton(AF_INET, from_ip, &from.sin_addr);
  sockaddr_in remote{};
  remote.sin_family = AF_INET;
  remote.sin_port = htons(to.port);
  std::memcpy(&remote.sin_addr, to.ip.data() + 12, 4);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0 ||
      ::connect(fd_, reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0) {
    throw std::runtime_error("no socket to flood from");
  }
}

Flood::~Flood() { ::close(fd_); }

void Flood::send(const std::vector<std::vector<uint8_t>>& datagrams, size_t count) {
  std::array<iovec, kBurst> parts{};
  std::array<mmsghdr, kBurst> messages{};
  size_t sent = 0;
  while (sent < count) {
    while (waiting() > kWaitingMax) std::this_thread::yield();
    const size_t burst = std::min(kBurst, count - sent);
    for (size_t i = 0; i < burst; ++i) {
      const auto& datagram = datagrams[(sent + i) % datagrams.size()];
      // The kernel only reads it.
      parts[i] = {const_cast<uint8_t*>(datagram.data()), datagram.size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int done = ::sendmmsg(fd_, messages.data(), static_cast<unsigned>(burst), 0);
    if (done <= 0) throw std::runtime_error("cannot send");
    for (int i = 0; i < done; ++i) bytes_sent_ += parts[static_cast<size_t>(i)].iov_len;
    sent += static_cast<size_t>(done);
    read_answers();
  }
}

void Flood::wait_until_read() const {
  while (waiting() > 0) std::this_thread::yield();
}

void Flood::read_answers() {
  std::array<uint8_t, 2048> room;
  ssize_t size = 0;
  while ((size = ::recv(fd_, room.data(), room.size(), MSG_DONTWAIT)) >= 0) {
    ++answers_;
    largest_answer_ = std::max(largest_answer_, static_cast<size_t>(size));
  }
}

size_t Flood::waiting() const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> table(std::fopen("/proc/net/udp", "r"),
                                                              &std::fclose);
  if (!table) throw std::runtime_error("no /proc/net/udp");
  std::array<char, 256> line{};
  size_t result = 0;
  while (std::fgets(line.data(), line.size(), table.get()) != nullptr) {
    unsigned address = 0;
    unsigned port = 0;
    unsigned queue = 0;
    // slot: local:port remote:port state sending:received ...
    if (std::sscanf(line.data(), " %*d: %x:%x %*x:%*x %*x %*x:%x", &address, &port, &queue) == 3 &&
        port == port_) {
      result += queue;
    }
  }
  return result;
}

}  // namespace simpul::testing
