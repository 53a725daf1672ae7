#pragma once

#include <string>

#include "base/address.h"
#include "base/expected.h"
#include "bench/load/report.h"

namespace simpul::load {

struct Options {
  Address server = Address::v4({127, 0, 0, 1}, 8080);
  std::string room = "load";
  unsigned viewers = 100;
  unsigned seconds = 10;
  unsigned bitrate_kbps = 1500;
  int relay_pid = 0;
};

// One synthetic publisher and `viewers` watchers in one room, on one thread: joins all, waits until
// each has a picture, then measures for `seconds`. The error says who could not join, and why.
Expected<Report, std::string> run(const Options& options);

}  // namespace simpul::load
