#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/load/report.h"

namespace simpul::load {

// What a run is doing at the moment.
struct Progress {
  struct PhaseState {
    std::string name;
    std::string doing;   // "joining", "measuring", "leaving"
    double seconds = 0;  // since it does so
    double of = 0;       // as long as it will take; 0: nobody knows
  };
  std::vector<PhaseState> phases;  // that are under way
  Second second;
  uint64_t failed = 0;
  bool has_relay = false;
};

// One line, without its end.
std::string to_line(const Progress& progress);

}  // namespace simpul::load
