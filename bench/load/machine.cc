#include "bench/load/machine.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "bench/peer/descriptors.h"

namespace simpul::load {
namespace {

// Descriptors for everything but the clients' sockets and their requests.
constexpr size_t kDescriptorsKept = 512;

std::optional<int> option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  if (getsockopt(fd, level, name, &value, &size) != 0) return std::nullopt;
  return value;
}

bool is_udp(int fd) {
  const bool is_ip =
      option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET || option(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6;
  return is_ip && option(fd, SOL_SOCKET, SO_TYPE) == SOCK_DGRAM;
}

}  // namespace

std::optional<std::string> allow_sockets(size_t count) {
  const size_t allowed = peer::raise_descriptor_limit();
  if (count + kDescriptorsKept <= allowed) return std::nullopt;
  return std::to_string(count) + " connections and what else is open need more than the " +
         std::to_string(allowed) + " descriptors that this process may have";
}

std::string machine_text() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  std::string model = "unknown processor";
  while (std::getline(file, line)) {
    if (!line.starts_with("model name")) continue;
    model = line.substr(std::min(line.find(':') + 2, line.size()));
    break;
  }
  utsname name{};
  uname(&name);
  return model + ", " + std::to_string(sysconf(_SC_NPROCESSORS_ONLN)) + " cores, " + name.sysname +
         ' ' + name.release;
}

std::string socket_text() {
  size_t sockets = 0;
  size_t with_gro = 0;
  size_t with_segments = 0;
  size_t with_times = 0;
  int receive_buffer = INT32_MAX;
  int send_buffer = INT32_MAX;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", error)) {
    const std::string name = entry.path().filename();
    int fd = -1;
    std::from_chars(name.data(), name.data() + name.size(), fd);
    if (!is_udp(fd)) continue;
    ++sockets;
    with_gro += option(fd, IPPROTO_UDP, UDP_GRO).value_or(0) != 0;
    with_segments += option(fd, IPPROTO_UDP, UDP_SEGMENT).value_or(0) != 0;
    with_times += option(fd, SOL_SOCKET, SO_TIMESTAMPNS).value_or(0) != 0;
    receive_buffer = std::min(receive_buffer, option(fd, SOL_SOCKET, SO_RCVBUF).value_or(0));
    send_buffer = std::min(send_buffer, option(fd, SOL_SOCKET, SO_SNDBUF).value_or(0));
  }
  if (sockets == 0) return "no UDP sockets";
  return std::to_string(sockets) + " UDP sockets, SO_RCVBUF " + std::to_string(receive_buffer) +
         ", SO_SNDBUF " + std::to_string(send_buffer) + ", UDP_GRO on " + std::to_string(with_gro) +
         " of them, UDP_SEGMENT on " + std::to_string(with_segments) + ", SO_TIMESTAMPNS on " +
         std::to_string(with_times);
}

}  // namespace simpul::load
