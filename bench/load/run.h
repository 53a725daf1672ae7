#pragma once

#include <optional>
#include <string>

#include "base/address.h"
#include "base/expected.h"
#include "bench/load/plan.h"
#include "bench/load/report.h"
#include "dtls/srtp_keys.h"

namespace simpul::load {

struct Options {
  Address server = Address::v4({127, 0, 0, 1}, 8080);
  Address local = Address::v4({127, 0, 0, 1}, 0);  // of the clients' sockets
  std::string room = "load";
  Shape shape;
  unsigned seconds = 10;
  unsigned bitrate_kbps = 1500;
  unsigned frames_per_second = 30;
  unsigned burst_packets = 0;  // of a frame, each 5 ms; 0: at once
  bool video = true;
  bool silent = false;                                 // publishers send nothing
  std::optional<dtls::SrtpProfile> srtp_profile = {};  // the only one offered
  std::optional<unsigned> cpu = {};                    // to stay on
  int relay_pid = 0;
};

// Synthetic publishers and viewers as the shape says, on one thread: joins all, waits until each
// viewer has a picture, then measures for `seconds`, and waits for what is still on its way. The
// error says who could not join, and why.
Expected<Report, std::string> run(const Options& options);

}  // namespace simpul::load
