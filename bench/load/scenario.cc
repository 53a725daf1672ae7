#include "bench/load/scenario.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace simpul::load {

std::string_view name_of(PhaseKind kind) {
  static constexpr std::array<std::string_view, kPhaseKinds> kNames = {
      "stage", "tables", "pairs", "audio", "storm", "churn", "roam", "turns"};
  return kNames[static_cast<size_t>(kind)];
}

Limits limits_of(const Scenario& scenario, size_t index) {
  const Phase& phase = scenario.phases[index];
  Limits limits = phase.limits;
  for (const Limit& limit : scenario.limits) {
    const bool replaced = std::ranges::find(limits, limit.metric, &Limit::metric) != limits.end();
    if (!replaced && !cannot_judge(scenario, phase, limit.metric)) limits.push_back(limit);
  }
  return limits;
}

std::optional<std::string_view> cannot_judge(const Scenario& scenario, const Phase& phase,
                                             Metric metric) {
  const ClientClass& viewers = scenario.classes[phase.viewer_class];
  const bool has_video = viewers.has_video && phase.kind != PhaseKind::kAudio;
  constexpr std::string_view kSilent = "publishers send nothing";
  switch (metric) {
    case Metric::kDelayP50:
    case Metric::kDelayP99:
      if (viewers.decrypting_share <= 0) return "nobody decrypts, and sees when a packet was sent";
      break;
    case Metric::kGapP99:
      if (phase.kind != PhaseKind::kPairs) return "only pairs move";
      if (phase.every + kQuietEnd > phase.duration) return "there is no time for a second round";
      break;
    case Metric::kSwitchP99:
      if (viewers.decrypting_share <= 0) return "nobody decrypts, and sees who is shown";
      [[fallthrough]];
    case Metric::kFreezes:
      if (!has_video) return "there is no video";
      break;
    case Metric::kLoss:
    case Metric::kViewerLossMax:
    case Metric::kFirstFrameP50:
    case Metric::kFirstFrameP95:
    case Metric::kFirstFrameP99:
    case Metric::kRelayCpuPerPacket:
      break;
    case Metric::kFailedJoins:
    case Metric::kRelayCpuShare:
    case Metric::kRelayKibPerViewer:
      return std::nullopt;
  }
  return scenario.silent ? std::optional(kSilent) : std::nullopt;
}

namespace {

std::string text_of(Metric metric, std::string_view where, std::string_view why) {
  return "the limit of " + std::string(name_of(metric)) + std::string(where) +
         " cannot be judged: " + std::string(why);
}

std::optional<std::string_view> needs_relay(Metric metric, bool measures_relay) {
  const bool of_relay = metric == Metric::kRelayCpuPerPacket || metric == Metric::kRelayCpuShare ||
                        metric == Metric::kRelayKibPerViewer;
  return of_relay && !measures_relay ? std::optional<std::string_view>("it needs --relay-pid")
                                     : std::nullopt;
}

}  // namespace

std::optional<std::string> unjudged_limit(const Scenario& scenario, bool measures_relay) {
  for (const Phase& phase : scenario.phases) {
    for (const Limit& limit : phase.limits) {
      auto why = needs_relay(limit.metric, measures_relay);
      if (!why) why = cannot_judge(scenario, phase, limit.metric);
      if (why) return text_of(limit.metric, " in " + phase.name, *why);
    }
  }
  for (const Limit& limit : scenario.limits) {
    if (const auto why = needs_relay(limit.metric, measures_relay)) {
      return text_of(limit.metric, "", *why);
    }
    const auto can_judge = [&](const Phase& phase) {
      return !cannot_judge(scenario, phase, limit.metric);
    };
    if (std::ranges::any_of(scenario.phases, can_judge)) continue;
    return text_of(limit.metric, "", *cannot_judge(scenario, scenario.phases[0], limit.metric));
  }
  return std::nullopt;
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
    if (phase.kind == PhaseKind::kAudio) phase.hears = std::min(phase.hears, phase.microphones);
    phase.rate = std::max(phase.rate * factor, 0.01);
    // A stage grows by its viewers, tables by their number.
    if (phase.kind == PhaseKind::kTables) scale(phase.rooms);
  }
  return scenario;
}

}  // namespace simpul::load
