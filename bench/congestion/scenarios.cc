#include "bench/congestion/scenarios.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "bench/congestion/scenario_groups.h"

namespace simpul::congestion {
namespace {

std::vector<Scenario> all() {
  std::vector<Scenario> list;
  append_rfc8867(list);
  append_others_on_the_path(list);
  append_drops(list);
  append_losses(list);
  append_bad_paths(list);
  append_layers(list);
  append_lossy_layers(list);
  append_bad_paths_of_layers(list);
  return list;
}

}  // namespace

std::span<const Scenario> scenarios() {
  static const std::vector<Scenario> kScenarios = all();
  return kScenarios;
}

const Scenario& scenario(std::string_view name) {
  const auto found = std::ranges::find(scenarios(), name, &Scenario::name);
  SIMPUL_CHECK(found != scenarios().end());
  return *found;
}

std::vector<std::pair<double, double>> steady_times(const Scenario& scenario, double settling) {
  std::vector<Duration> changes = {scenario.duration};
  for (const PathProfile::Step& step : scenario.path.capacity) changes.push_back(step.at);
  for (const FlowProfile& flow : scenario.flows) {
    changes.push_back(flow.start);
    if (flow.pause) changes.insert(changes.end(), {flow.pause->first, flow.pause->second});
  }
  std::ranges::sort(changes);
  std::vector<std::pair<double, double>> times;
  for (size_t i = 0; i + 1 < changes.size(); ++i) {
    const double from = seconds(changes[i]) + settling;
    const double to = seconds(changes[i + 1]);
    if (from < to) times.emplace_back(from, to);
  }
  return times;
}

double use_of_layers(const Scenario& scenario, const FlowResult& flow) {
  double used = 0;
  double allowed = 0;
  const auto& pause = scenario.flows.front().pause;
  for (const auto& [from, to] : steady_times(scenario, kSettling)) {
    if (pause && from >= seconds(pause->first) && to <= seconds(pause->second)) continue;
    for (const Sample& sample : flow.samples) {
      if (sample.second < from || sample.second >= to) continue;
      used += sample.sent_bps;
      allowed += allowed_bps(scenario.flows.front(), sample.capacity_bps);
    }
  }
  return allowed > 0 ? used / allowed : 0;
}

std::vector<FlowResult> run_scenario(const Scenario& scenario, uint64_t seed) {
  const Traffic traffic{.path = scenario.path,
                        .back = scenario.back,
                        .flows = scenario.flows,
                        .downloads = scenario.downloads};
  return Simulator(traffic, seed).run(scenario.duration);
}

}  // namespace simpul::congestion
