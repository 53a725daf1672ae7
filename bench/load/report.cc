#include "bench/load/report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace simpul::load {
namespace {

double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, values.begin() + static_cast<int64_t>(at));
  return values[at];
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", value);
  return text.data();
}

std::vector<std::pair<std::string, std::string>> rows(Report& report) {
  const double total = static_cast<double>(report.packets + report.lost);
  return {{"viewers", std::to_string(report.viewers)},
          {"connected", std::to_string(report.connected)},
          {"seconds", number(report.seconds)},
          {"packets", std::to_string(report.packets)},
          {"packets_per_second", number(static_cast<double>(report.packets) / report.seconds)},
          {"lost", std::to_string(report.lost)},
          {"loss", number(total > 0 ? static_cast<double>(report.lost) / total : 0)},
          {"mbit_per_second",
           number(static_cast<double>(report.bytes) * 8 / report.seconds / 1'000'000)},
          {"delay_ms_p50", number(percentile(report.delay_ms, 0.5))},
          {"delay_ms_p99", number(percentile(report.delay_ms, 0.99))},
          {"first_frame_ms_p50", number(percentile(report.first_frame_ms, 0.5))},
          {"first_frame_ms_p99", number(percentile(report.first_frame_ms, 0.99))},
          {"relay_cpu_us_per_packet", number(report.relay_cpu_us_per_packet)},
          {"relay_cpu_share", number(report.relay_cpu_share)},
          {"relay_kib_per_viewer", number(report.relay_kib_per_viewer)}};
}

}  // namespace

std::string to_text(Report report) {
  std::string text;
  for (const auto& [name, value] : rows(report)) {
    text += name + std::string(26 - std::min<size_t>(name.size(), 25), ' ') + value + "\n";
  }
  return text;
}

std::string to_json(Report report) {
  std::string text = "{";
  for (const auto& [name, value] : rows(report)) {
    text += (text.size() > 1 ? ", \"" : "\"") + name + "\": " + value;
  }
  return text + "}\n";
}

}  // namespace simpul::load
