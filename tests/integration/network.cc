#include "tests/integration/network.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace simpul::testing {
namespace {

constexpr const char* kOwn = "/proc/thread-self/ns/net";

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": " + std::strerror(errno) + " (root is needed)");
}

}  // namespace

Network::Network() : keeper_([this](const std::stop_token& ended) { keep(ended); }) {
  made_.acquire();
  if (!error_.empty()) throw std::runtime_error(error_);
  ip("link set lo up");
}

Network::~Network() { close(fd_); }

void Network::keep(const std::stop_token& ended) {
  const std::stop_callback end(ended, [this] { over_.release(); });
  if (unshare(CLONE_NEWNET) == 0) {
    fd_ = open(kOwn, O_RDONLY | O_CLOEXEC);
    thread_id_ = gettid();
  } else {
    error_ = std::string("a network namespace: ") + std::strerror(errno) + " (root is needed)";
  }
  made_.release();
  if (error_.empty()) over_.acquire();
}

Network::Inside::Inside(const Network& network) : outside_(open(kOwn, O_RDONLY | O_CLOEXEC)) {
  if (outside_ < 0 || setns(network.fd_, CLONE_NEWNET) != 0) fail("enter a network");
}

Network::Inside::~Inside() {
  setns(outside_, CLONE_NEWNET);
  close(outside_);
}

void Network::ip(const std::string& arguments) const { run("ip " + arguments); }

void Network::tc(const std::string& arguments) const { run("tc " + arguments); }

void Network::run(const std::string& command) const {
  const Inside inside(*this);
  FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) fail(command);
  std::string said;
  std::array<char, 256> part{};
  while (std::fgets(part.data(), part.size(), pipe) != nullptr) said += part.data();
  if (pclose(pipe) != 0) throw std::runtime_error(command + ": " + said);
}

void Network::set(const std::string& parameter, const std::string& value) const {
  const Inside inside(*this);
  std::ofstream file("/proc/sys/" + parameter);
  file << value << std::flush;
  if (!file) fail(parameter);
}

void Network::link(const std::string& here, const Network& other, const std::string& there) const {
  ip("link add " + here + " type veth peer name " + there + " netns " +
     std::to_string(other.thread_id_));
  ip("link set " + here + " up");
  other.ip("link set " + there + " up");
}

void Network::add_address(const std::string& interface, const std::string& address) const {
  const bool v6 = address.find(':') != std::string::npos;
  ip("address add " + address + " dev " + interface + (v6 ? " nodad" : ""));
}

void Network::set_mtu(const std::string& interface, int mtu) const {
  ip("link set " + interface + " mtu " + std::to_string(mtu));
}

void Network::add_route(const std::string& to, const std::string& through) const {
  ip("route add " + to + " via " + through);
}

}  // namespace simpul::testing
