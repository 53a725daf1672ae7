#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

namespace simpul::load {

// What a limit can be set on. Times in milliseconds, CPU in microseconds, losses 0 to 1.
enum class Metric {
  kLoss,
  kViewerLossMax,
  kDelayP50,
  kDelayP99,
  kFirstFrameP50,
  kFirstFrameP95,
  kFirstFrameP99,
  kGapP99,
  kSwitchP99,
  kFreezes,
  kFailedJoins,
  kRelayCpuPerPacket,
  kRelayCpuShare,
  kRelayKibPerViewer,
};

struct MetricName {
  Metric metric;
  std::string_view name;  // in scenarios and reports
};
inline constexpr std::array<MetricName, 14> kMetricNames = {{
    {Metric::kLoss, "loss"},
    {Metric::kViewerLossMax, "viewer_loss_max"},
    {Metric::kDelayP50, "delay_ms_p50"},
    {Metric::kDelayP99, "delay_ms_p99"},
    {Metric::kFirstFrameP50, "first_frame_ms_p50"},
    {Metric::kFirstFrameP95, "first_frame_ms_p95"},
    {Metric::kFirstFrameP99, "first_frame_ms_p99"},
    {Metric::kGapP99, "gap_ms_p99"},
    {Metric::kSwitchP99, "switch_ms_p99"},
    {Metric::kFreezes, "freezes"},
    {Metric::kFailedJoins, "joins_failed"},
    {Metric::kRelayCpuPerPacket, "relay_cpu_us_per_packet"},
    {Metric::kRelayCpuShare, "relay_cpu_share"},
    {Metric::kRelayKibPerViewer, "relay_kib_per_viewer"},
}};

constexpr std::string_view name_of(Metric metric) {
  for (const MetricName& known : kMetricNames) {
    if (known.metric == metric) return known.name;
  }
  return "";
}

struct Limit {
  Metric metric = Metric::kLoss;
  double most = 0;
};
// One for each metric at most; what has none is good enough. One on what nobody measured is broken.
using Limits = std::vector<Limit>;

}  // namespace simpul::load
