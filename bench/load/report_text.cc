#include <array>
#include <cmath>
#include <cstdio>
#include <utility>

#include "bench/load/json_text.h"
#include "bench/load/report.h"

namespace simpul::load {
namespace {

constexpr size_t kNameWidth = 26;
constexpr size_t kColumnWidth = 12;
constexpr size_t kColumnsMax = 6;  // beside one another, as wide as a terminal

// Of what nobody measured.
constexpr const char* kUnknown = "null";

std::string formatted(const char* pattern, double value) {
  if (!std::isfinite(value)) return kUnknown;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), pattern, value);
  return text.data();
}

std::string number(double value) { return formatted("%.3f", value); }
std::string share(double value) { return formatted("%.3g", value); }

using Rows = std::vector<std::pair<std::string, std::string>>;

template <class At>
void add_percentiles(const std::string& name, bool known, At at, Rows& rows) {
  for (const auto& [end, share] :
       {std::pair{"_p50", 0.5}, {"_p95", 0.95}, {"_p99", 0.99}, {"_max", 1.0}}) {
    rows.emplace_back(name + end, known ? number(at(share)) : kUnknown);
  }
}

void add_percentiles(const std::string& name, const std::vector<double>& values, Rows& rows) {
  const auto at = [&values](double share) { return percentile(values, share); };
  add_percentiles(name, !values.empty(), at, rows);
}

std::string known_or_not(const PhaseReport& report, Metric metric, const std::string& text) {
  return why_unknown(report, metric) ? kUnknown : text;
}

void add_people(const PhaseReport& report, Rows& rows) {
  const auto count = [&rows](const char* name, uint64_t value) {
    rows.emplace_back(name, std::to_string(value));
  };
  count("rooms", report.rooms);
  count("publishers", report.publishers);
  count("viewers", report.viewers);
  count("connected", report.connected);
  count("first_frames", report.first_frame_ms.size() + report.gap_ms.size());
  count("joins_failed", report.joins_failed);
  count("join_retries", report.join_retries);
  count("left_early", report.left_early);
  count("roams", report.roams);
  rows.emplace_back("seconds", number(report.seconds));
}

void add_media(const PhaseReport& report, Rows& rows) {
  const double seconds = std::max(report.wall, 0.001);
  const auto count = [&rows](const char* name, uint64_t value) {
    rows.emplace_back(name, std::to_string(value));
  };
  count("expected", report.expected);
  count("packets", report.received.packets);
  rows.emplace_back("packets_per_second",
                    number(static_cast<double>(report.received.packets) / seconds));
  rows.emplace_back("mbit_per_second",
                    number(static_cast<double>(report.received.bytes) * 8 / seconds / 1'000'000));
  count("lost", report.lost());
  rows.emplace_back("loss", known_or_not(report, Metric::kLoss, share(report.loss())));
  count("viewers_with_loss", report.viewers_with_loss);
  rows.emplace_back("viewer_loss_max",
                    known_or_not(report, Metric::kViewerLossMax, share(report.viewer_loss_max)));
  count("repaired", report.received.repaired);
  count("duplicates", report.received.duplicates);
  count("repeated", report.received.repeated);
  count("reordered", report.received.reordered);
  count("corrupt", report.received.corrupt);
  count("network_datagrams", report.network.received);
  count("network_lost", report.network.lost);
  count("network_queue_drops", report.network.queue_drops);
  rows.emplace_back("freezes",
                    known_or_not(report, Metric::kFreezes, std::to_string(report.freezes)));
  rows.emplace_back("frozen_ms_max",
                    known_or_not(report, Metric::kFreezes, number(report.frozen_ms_max)));
  count("stood_still", report.stood_still);
  count("feedback", report.feedback);
  count("feedback_bytes", report.feedback_bytes);
  count("switches", report.switch_ms.size());
  add_percentiles(
      "delay_ms", report.delay.count() > 0,
      [&report](double at) { return report.delay.percentile(at); }, rows);
  const Histogram& frames = report.last_viewer.frames();
  rows.emplace_back("last_viewer_ms_p50",
                    frames.count() > 0 ? number(frames.percentile(0.5)) : kUnknown);
}

Rows rows_of(const PhaseReport& report) {
  Rows rows;
  add_people(report, rows);
  add_media(report, rows);
  add_percentiles("first_frame_ms", report.first_frame_ms, rows);
  if (!report.gap_ms.empty() || report.kind == "pairs" || report.kind == "all") {
    add_percentiles("gap_ms", report.gap_ms, rows);
  }
  add_percentiles("switch_ms", report.switch_ms, rows);
  rows.emplace_back("own_cpu_share", number(report.own.cpu_share));
  rows.emplace_back("own_cpu_share_max", number(report.own.cpu_share_max));
  rows.emplace_back("own_wait_share", number(report.own.wait_share));
  rows.emplace_back("own_socket_overflows", std::to_string(report.own.socket_overflows));
  rows.emplace_back("own_late_ms_p99", number(report.own.late_ms_p99));
  rows.emplace_back("bottleneck", report.own.is_bottleneck() ? "true" : "false");
  const auto add_relay = [&](Metric metric) {
    const std::string value = number(value_of(report, metric));
    rows.emplace_back(name_of(metric), known_or_not(report, metric, value));
  };
  add_relay(Metric::kRelayCpuPerPacket);
  add_relay(Metric::kRelayCpuShare);
  add_relay(Metric::kRelayKibPerViewer);
  return rows;
}

std::string json_of(const Rows& rows) {
  std::string text;
  for (const auto& [name, value] : rows) {
    text += (text.empty() ? "\"" : ", \"") + name + "\": " + value;
  }
  return text;
}

std::string json_of(const Second& second) {
  const auto field = [](const char* name, std::optional<double> value) {
    return std::string(", \"") + name + "\": " + json_number(value);
  };
  return "{\"at\": " + json_number(second.at) +
         field("present", static_cast<double>(second.present)) +
         field("joining", static_cast<double>(second.joining)) + field("packets", second.packets) +
         field("expected", second.expected) + field("mbit", second.mbit) +
         field("delay_ms_p50", second.delay_p50) + field("delay_ms_p99", second.delay_p99) +
         field("relay_cpu_share", second.relay_cpu) + field("relay_mib", second.relay_mib) +
         field("own_cpu_share", second.own_cpu) + field("own_wait_share", second.own_wait) + "}";
}

std::string padded(const std::string& text, size_t width) {
  return text + std::string(width - std::min(text.size(), width - 1), ' ');
}

// Phases beside one another.
std::string table(std::span<const PhaseReport> phases) {
  std::vector<Rows> columns;
  std::string text = padded("", kNameWidth);
  for (const PhaseReport& phase : phases) {
    columns.push_back(rows_of(phase));
    text += padded(phase.name.substr(0, kColumnWidth - 1), kColumnWidth);
  }
  // Some have rows that others have not.
  Rows longest;
  for (const Rows& rows : columns) {
    if (rows.size() > longest.size()) longest = rows;
  }
  for (const auto& [name, unused] : longest) {
    text += '\n' + padded(name, kNameWidth);
    for (const Rows& rows : columns) {
      const auto found = std::ranges::find(rows, name, &Rows::value_type::first);
      const bool unknown = found == rows.end() || found->second == kUnknown;
      text += padded(unknown ? "-" : found->second, kColumnWidth);
    }
  }
  return text + '\n';
}

}  // namespace

std::string to_text(const Report& report) {
  std::string text = "scenario  " + report.scenario + ", seed " + std::to_string(report.seed) +
                     ", " + report.server + (report.interrupted ? ", interrupted" : "") +
                     "\nmachine   " + report.machine + "\nsockets   " + report.sockets + "\n\n";
  std::vector<PhaseReport> columns = report.phases;
  if (columns.size() > 1) columns.push_back(report.total());
  for (size_t i = 0; i < columns.size(); i += kColumnsMax) {
    text += table(std::span(columns).subspan(i, std::min(kColumnsMax, columns.size() - i))) + '\n';
  }
  if (std::ranges::any_of(report.phases, [](const auto& p) { return p.own.is_bottleneck(); })) {
    text +=
        "simpul-load itself, or its machine, was the bottleneck: delay and loss may be its own.\n";
  }
  return text;
}

std::string to_json(const Report& report, const std::vector<std::string>& complaints) {
  std::string text = "{" + json_of(rows_of(report.total()));
  text += ", \"scenario\": " + json_string(report.scenario);
  text += ", \"seed\": " + std::to_string(report.seed);
  text += ", \"server\": " + json_string(report.server);
  text += ", \"machine\": " + json_string(report.machine);
  text += ", \"sockets\": " + json_string(report.sockets);
  text += std::string(", \"interrupted\": ") + (report.interrupted ? "true" : "false");
  text += ", \"phases\": [";
  for (const PhaseReport& phase : report.phases) {
    text += text.ends_with('[') ? "{" : ", {";
    text += "\"name\": " + json_string(phase.name) + ", \"kind\": " + json_string(phase.kind) +
            ", \"began\": " + json_number(phase.began) +
            ", \"measured_from\": " + json_number(phase.measured_from) +
            ", \"ended\": " + json_number(phase.ended) + ", " + json_of(rows_of(phase)) + "}";
  }
  text += "], \"per_second\": [";
  for (const Second& second : report.seconds) {
    text += (text.ends_with('[') ? "" : ", ") + json_of(second);
  }
  text += "], \"complaints\": [";
  for (const std::string& line : complaints) {
    text += (text.ends_with('[') ? "" : ", ") + json_string(line);
  }
  return text + "]}\n";
}

}  // namespace simpul::load
