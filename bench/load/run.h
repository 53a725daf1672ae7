#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/expected.h"
#include "bench/load/plan.h"
#include "bench/load/progress.h"
#include "bench/load/report.h"
#include "bench/load/scenario.h"

namespace simpul::load {

struct RunOptions {
  std::optional<unsigned> cpu = {};  // to stay on
  int relay_pid = 0;                 // whose CPU is measured; 0: nobody's
  // Called once a second.
  std::function<void(const Progress&)> on_progress = {};
};

// Carries a plan out, on one thread: each phase has its people join, waits until all of them have a
// picture, measures while it does what its kind says, waits for what is still on its way, and has
// them leave. The first SIGINT ends all phases at once, with a report of what there was. The error
// says what this machine has too little of.
Expected<Report, std::string> run(const Scenario& scenario, const Plan& plan,
                                  const RunOptions& options);

}  // namespace simpul::load
