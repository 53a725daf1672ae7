#include "bench/load/scenario.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace simpul::load {

std::string_view name_of(PhaseKind kind) {
  static constexpr std::array<std::string_view, kPhaseKinds> kNames = {
      "stage", "tables", "pairs", "audio", "storm", "churn", "roam"};
  return kNames[static_cast<size_t>(kind)];
}

Limits limits_of(const Scenario& scenario, size_t phase) {
  Limits limits = scenario.phases[phase].limits;
  for (const Limit& limit : scenario.limits) {
    const bool replaced = std::ranges::find(limits, limit.metric, &Limit::metric) != limits.end();
    if (!replaced) limits.push_back(limit);
  }
  return limits;
}

Scenario scaled(Scenario scenario, double factor) {
  const auto scale = [factor](uint32_t& count) {
    if (count == 0) return;
    const double more = std::round(count * factor);
    count = static_cast<uint32_t>(std::clamp(more, 1.0, double{kClientsMax}));
  };
  for (Phase& phase : scenario.phases) {
    scale(phase.viewers);
    scale(phase.pairs);
    scale(phase.microphones);
    scale(phase.joins);
    phase.rate = std::max(phase.rate * factor, 0.01);
    // A stage grows by its viewers, tables by their number.
    if (phase.kind == PhaseKind::kTables) scale(phase.rooms);
  }
  return scenario;
}

}  // namespace simpul::load
