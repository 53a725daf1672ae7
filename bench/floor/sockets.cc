#include "bench/floor/sockets.h"

#include <arpa/inet.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace simpul::floor_bench {
namespace {

constexpr int kBufferSize = 4 * 1024 * 1024;

}  // namespace

LoopbackSocket::LoopbackSocket()
    : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  address_.sin_family = AF_INET;
  address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address_;
  works_ = bind(fd_, reinterpret_cast<sockaddr*>(&address_), size) == 0 &&
           getsockname(fd_, reinterpret_cast<sockaddr*>(&address_), &size) == 0;
  for (const int name : {SO_RCVBUF, SO_RCVBUFFORCE, SO_SNDBUF, SO_SNDBUFFORCE}) {
    static_cast<void>(setsockopt(fd_, SOL_SOCKET, name, &kBufferSize, sizeof kBufferSize));
  }
}

LoopbackSocket::~LoopbackSocket() { close(fd_); }

pid_t Process::begin() {
  const pid_t process = fork();
  if (process == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return process;
}

Process::~Process() {
  if (process_ <= 0) return;
  kill(process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

}  // namespace simpul::floor_bench
