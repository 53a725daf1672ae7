#pragma once

#include <optional>
#include <string>

#include "base/address.h"
#include "base/expected.h"
#include "bench/load/plan.h"
#include "bench/load/report.h"

namespace simpul::load {

struct Options {
  Address server = Address::v4({127, 0, 0, 1}, 8080);
  std::string room = "load";
  Shape shape;
  unsigned seconds = 10;
  unsigned bitrate_kbps = 1500;
  unsigned frames_per_second = 30;
  std::optional<unsigned> cpu = {};  // to stay on
  int relay_pid = 0;
};

// Synthetic publishers and viewers as the shape says, on one thread: joins all, waits until each
// viewer has a picture, then measures for `seconds`, and waits for what is still on its way. The
// error says who could not join, and why.
Expected<Report, std::string> run(const Options& options);

}  // namespace simpul::load
