#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/congestion/simulator.h"

namespace simpul::congestion {

// A path and who is on it, under the name by which reports and tests call it.
struct Scenario {
  std::string name;
  std::string what;
  PathProfile path;
  std::vector<FlowProfile> flows;
  Duration duration{};
  // From here on rates are compared with what there is.
  double steady_from = 0;
  std::optional<PathProfile> back = {};
  std::vector<DownloadProfile> downloads = {};
};

// Cases of RFC 8867 by their section, with the parameters of the ns3-rmcat suite, and others.
std::span<const Scenario> scenarios();
// Ends the process when there is none of that name.
const Scenario& scenario(std::string_view name);

// So many seconds after a change of the capacity, or of who is on the path, all should be as it
// stays.
inline constexpr double kSettling = 10;

// The seconds of a scenario in which nothing has changed for so long: from, to.
std::vector<std::pair<double, double>> steady_times(const Scenario& scenario, double settling);

// Of one flow with layers: what it sent in those times, of the most that its layers allow; not
// while it pauses.
double use_of_layers(const Scenario& scenario, const FlowResult& flow);

std::vector<FlowResult> run_scenario(const Scenario& scenario, uint64_t seed);

}  // namespace simpul::congestion
