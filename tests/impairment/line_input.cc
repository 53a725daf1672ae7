#include "tests/impairment/line_input.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace simpul::impairment {
namespace {

bool is_pipe_or_socket(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

}  // namespace

LineInput::LineInput(net::EventLoop& loop, int fd, std::function<void(std::string_view)> on_line)
    : fd_(fd), on_line_(std::move(on_line)) {
  if (!is_pipe_or_socket(fd_)) return;
  watcher_.emplace(loop, fd_, [this](net::FdWatcher::Ready) { read_lines(); });
  watcher_->watch({.readable = true});
}

// One read a turn: there is something to read, so it does not wait.
void LineInput::read_lines() {
  std::array<char, kLineMax> bytes{};
  const ssize_t count = ::read(fd_, bytes.data(), bytes.size());
  if (count <= 0) return watcher_->watch({});
  begun_.append(bytes.data(), static_cast<size_t>(count));
  for (size_t end = begun_.find('\n'); end != std::string::npos; end = begun_.find('\n')) {
    const std::string line = begun_.substr(0, end);
    begun_.erase(0, end + 1);
    on_line_(line);
  }
  if (begun_.size() > kLineMax) watcher_->watch({});
}

}  // namespace simpul::impairment
