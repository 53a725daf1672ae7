#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "net/event_loop.h"

namespace simpul::impairment {

// Reads whole lines from a pipe or a socket, until its other end is closed. What is neither (a
// terminal, /dev/null) is left alone. A line that is too long ends the reading.
class LineInput {
 public:
  static constexpr size_t kLineMax = 4'096;

  LineInput(net::EventLoop& loop, int fd, std::function<void(std::string_view)> on_line);

 private:
  void read_lines();

  int fd_;
  std::function<void(std::string_view)> on_line_;
  std::string begun_;  // of a line whose end has not come
  std::optional<net::FdWatcher> watcher_;
};

}  // namespace simpul::impairment
