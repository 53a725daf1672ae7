#include "bench/load/report.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

namespace simpul::load {
namespace {

double percentile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  const auto at = static_cast<size_t>(std::lround(share * static_cast<double>(values.size() - 1)));
  std::ranges::nth_element(values, values.begin() + static_cast<int64_t>(at));
  return values[at];
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", value);
  return text.data();
}

// Losses are small: three digits of what there is.
std::string share(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

using Rows = std::vector<std::pair<std::string, std::string>>;

void add_percentiles(const std::string& name, std::vector<double>& values, Rows& rows) {
  rows.emplace_back(name + "_p50", number(percentile(values, 0.5)));
  rows.emplace_back(name + "_p95", number(percentile(values, 0.95)));
  rows.emplace_back(name + "_p99", number(percentile(values, 0.99)));
  rows.emplace_back(name + "_max", number(percentile(values, 1)));
}

Rows rows_of(Report& report) {
  const double seconds = std::max(report.seconds, 0.001);
  Rows rows = {
      {"rooms", std::to_string(report.rooms)},
      {"publishers", std::to_string(report.publishers)},
      {"viewers", std::to_string(report.viewers)},
      {"connected", std::to_string(report.connected)},
      {"first_frames", std::to_string(report.first_frame_ms.size())},
      {"seconds", number(report.seconds)},
      {"expected", std::to_string(report.expected)},
      {"packets", std::to_string(report.received.packets)},
      {"packets_per_second", number(static_cast<double>(report.received.packets) / seconds)},
      {"mbit_per_second",
       number(static_cast<double>(report.received.bytes) * 8 / seconds / 1'000'000)},
      {"lost", std::to_string(report.lost())},
      {"loss", share(report.loss())},
      {"viewers_with_loss", std::to_string(report.viewers_with_loss)},
      {"viewer_loss_max", share(report.viewer_loss_max)},
      {"repaired", std::to_string(report.received.repaired)},
      {"duplicates", std::to_string(report.received.duplicates)},
      {"reordered", std::to_string(report.received.reordered)},
      {"corrupt", std::to_string(report.received.corrupt)}};
  add_percentiles("delay_ms", report.delay_ms, rows);
  add_percentiles("first_frame_ms", report.first_frame_ms, rows);
  rows.emplace_back("own_cpu_share", number(report.own.cpu_share));
  rows.emplace_back("own_wait_share", number(report.own.wait_share));
  rows.emplace_back("own_socket_overflows", std::to_string(report.own.socket_overflows));
  rows.emplace_back("bottleneck", report.own.is_bottleneck() ? "true" : "false");
  rows.emplace_back("relay_cpu_us_per_packet", number(report.relay_cpu_us_per_packet));
  rows.emplace_back("relay_cpu_share", number(report.relay_cpu_share));
  rows.emplace_back("relay_kib_per_viewer", number(report.relay_kib_per_viewer));
  return rows;
}

void check(const std::string& name, double value, std::optional<double> limit,
           std::vector<std::string>& wrong) {
  if (limit && value > *limit) {
    wrong.push_back(name + " is " + share(value) + ", above " + share(*limit));
  }
}

}  // namespace

double Report::loss() const {
  return expected == 0 ? 0 : static_cast<double>(lost()) / static_cast<double>(expected);
}

std::vector<std::string> complaints(Report report, const Limits& limits) {
  std::vector<std::string> wrong;
  if (report.connected < report.viewers) {
    wrong.push_back(std::to_string(report.viewers - report.connected) +
                    " viewers are not connected");
  }
  if (report.first_frame_ms.size() < report.viewers) {
    wrong.push_back(std::to_string(report.viewers - report.first_frame_ms.size()) +
                    " viewers never had a whole frame");
  }
  if (report.received.corrupt > 0) {
    wrong.push_back(std::to_string(report.received.corrupt) + " packets were corrupt");
  }
  check("loss", report.loss(), limits.loss, wrong);
  check("delay_ms_p99", percentile(report.delay_ms, 0.99), limits.delay_ms_p99, wrong);
  check("first_frame_ms_p99", percentile(report.first_frame_ms, 0.99), limits.first_frame_ms_p99,
        wrong);
  return wrong;
}

std::string to_text(Report report) {
  std::string text;
  for (const auto& [name, value] : rows_of(report)) {
    text += name + std::string(26 - std::min<size_t>(name.size(), 25), ' ') + value + "\n";
  }
  return text;
}

std::string to_json(Report report, const std::vector<std::string>& complaints) {
  std::string text = "{";
  for (const auto& [name, value] : rows_of(report)) text += "\"" + name + "\": " + value + ", ";
  std::string list;
  // Made of our own words and of numbers: nothing in them needs to be escaped.
  for (const std::string& line : complaints) list += (list.empty() ? "\"" : ", \"") + line + "\"";
  return text + "\"complaints\": [" + list + "]}\n";
}

}  // namespace simpul::load
