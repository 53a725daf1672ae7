#pragma once

#include <string>
#include <vector>

#include "bench/congestion/scenarios.h"

namespace simpul::congestion {

// An SVG picture of one run: above the capacity and what each flow sent and aimed at, below the
// queue.
std::string plot(const Scenario& scenario, const std::vector<FlowResult>& flows);

}  // namespace simpul::congestion
