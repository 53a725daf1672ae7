#include "bench/load/html_report.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <functional>

#include "bench/load/svg_plot.h"

namespace simpul::load {
namespace {

constexpr size_t kLinesMax = 6;  // phases in one diagram; as many colours are told apart
constexpr double kPercent = 100;

constexpr const char* kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
)";

constexpr const char* kStyle = R"(<style>
:root { color-scheme: light dark; --ink: #1c2430; --soft: #667085; --line: #e4e7ec; --paper: #fff;
  --ground: #f5f6f8; --good: #0f7b4f; --bad: #b42318; --warn: #b54708; --band: #98a2b3;
  --line-1: #1f6feb; --line-2: #d9480f; --line-3: #0f7b4f; --line-4: #8250df; --line-5: #bf8700;
  --line-6: #0a7e8c }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #333b47; --paper: #1a2029; --ground: #11151b;
    --good: #3fb67f; --bad: #f0746a; --warn: #e5a24b; --band: #a9b4c4; --line-1: #6aa8ff;
    --line-2: #ff9256; --line-3: #4cc38a; --line-4: #b696ff; --line-5: #e0b23f; --line-6: #45c2d1 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif }
main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 48px }
header { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center }
h1 { font-size: 25px; margin: 0; font-weight: 650 }
h2 { font-size: 15px; margin: 0 0 6px; font-weight: 600 }
.badge { border-radius: 999px; padding: 2px 13px; font-weight: 600; color: var(--paper) }
.badge.good { background: var(--good) } .badge.bad { background: var(--bad) }
.sub { color: var(--soft); margin: 4px 0 18px; font-size: 13px }
.note { border-left: 4px solid var(--bad); background: var(--paper); padding: 9px 14px;
  margin: 0 0 16px; border-radius: 4px }
.note.warn { border-color: var(--warn) }
.note ul { margin: 4px 0 0; padding-left: 18px }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px;
  margin-bottom: 16px }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 8px;
  padding: 12px 16px }
.tile b { display: block; font-size: 19px; font-weight: 650; line-height: 1.3; white-space: nowrap }
.tile b small { font-size: 14px; font-weight: 500; color: var(--soft); margin-left: 3px }
.tile span { color: var(--soft); font-size: 13px }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 16px;
  margin: 16px 0 }
svg { width: 100%; height: auto; display: block }
.grid { stroke: var(--line); stroke-width: 1 }
.label { fill: var(--soft); font-size: 11.5px }
.band { fill: var(--band); opacity: .1 }
.bar { stroke: var(--band); stroke-width: 2; opacity: .7 }
.line { fill: none; stroke-width: 2; stroke-linejoin: round }
.dashed { stroke-dasharray: 5 4 }
.line-1 { stroke: var(--line-1) } .line-2 { stroke: var(--line-2) }
.line-3 { stroke: var(--line-3) } .line-4 { stroke: var(--line-4) }
.line-5 { stroke: var(--line-5) } .line-6 { stroke: var(--line-6) }
.scroll { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: 13.5px;
  font-variant-numeric: tabular-nums }
th, td { padding: 5px 8px; text-align: right; border-top: 1px solid var(--line);
  white-space: nowrap }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
thead th { border-top: 0; color: var(--soft); font-weight: 500 }
td.good { color: var(--good) } td.bad { color: var(--bad); font-weight: 600 }
footer { color: var(--soft); font-size: 12.5px; margin-top: 18px }
</style>
)";

std::string fixed(double value, int digits) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, value);
  return text.data();
}

// As many digits as say something.
std::string readable(double value) {
  if (value == std::floor(value) && value < 1e5) return fixed(value, 0);
  if (value >= 1e4) return short_text(value);
  if (value >= 100) return fixed(value, 0);
  if (value >= 10) return fixed(value, 1);
  if (value >= 0.1) return fixed(value, 2);
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.2g", value);
  return text.data();
}

std::string percent(double share) { return share == 0 ? "0" : readable(share * kPercent); }

std::string known(const PhaseReport& phase, Metric metric) {
  return why_unknown(phase, metric) ? "-" : readable(value_of(phase, metric));
}

std::string tile(const std::string& value, const std::string& unit, const std::string& name) {
  return "<div class=\"card tile\"><b>" + value + "<small>" + unit + "</small></b><span>" + name +
         "</span></div>\n";
}

std::string tiles(const Report& report) {
  const PhaseReport sum = report.total();
  double packets = 0;
  for (const Second& second : report.seconds) packets = std::max(packets, second.packets);
  std::string text = "<div class=\"tiles\">\n";
  text += tile(std::to_string(sum.viewers), "", "viewing connections");
  text += tile(short_text(std::round(packets)), "/s", "packets to them, at most");
  text +=
      tile(why_unknown(sum, Metric::kLoss) ? "-" : percent(sum.loss()), "%", "lost, after repair");
  text += tile(known(sum, Metric::kDelayP50) + " / " + known(sum, Metric::kDelayP99), "ms",
               "delay, median / 99th percentile");
  text += tile(known(sum, Metric::kFirstFrameP95), "ms", "to the first picture, 95th percentile");
  if (report.has_relay) {
    text += tile(known(sum, Metric::kRelayCpuPerPacket), "µs", "CPU of the relay for a datagram");
  }
  return text + "</div>\n";
}

std::vector<Plot::Band> bands(const Report& report) {
  std::vector<Plot::Band> found;
  for (const PhaseReport& phase : report.phases) {
    found.push_back({.name = phase.name,
                     .from = phase.measured_from,
                     .to = phase.measured_from + phase.seconds});
  }
  return found;
}

template <class Value>  // double, or one that nobody may have measured
Plot::Line over_time(const Report& report, const std::string& name, Value Second::*value,
                     double factor = 1) {
  Plot::Line line{.name = name, .points = {}};
  for (const Second& second : report.seconds) {
    std::optional<double> measured = second.*value;
    if (measured) *measured *= factor;
    line.points.emplace_back(second.at, measured);
  }
  return line;
}

Plot::Line people_over_time(const Report& report, const std::string& name,
                            uint64_t Second::*value) {
  Plot::Line line{.name = name, .points = {}};
  for (const Second& second : report.seconds) {
    line.points.emplace_back(second.at, static_cast<double>(second.*value));
  }
  return line;
}

std::string card(const std::string& title, const Plot& plot) {
  return "<section class=\"card\"><h2>" + title + "</h2>\n" + to_svg(plot) + "</section>\n";
}

// How many of all were at least as good, for each phase.
Plot distribution(const Report& report, const char* unit,
                  const std::function<double(const PhaseReport&, double share)>& at) {
  Plot plot{.unit_x = unit, .unit_y = "%", .lines = {}, .logarithmic_x = true, .y_min_top = 100};
  for (size_t place = 0; place < std::min(report.phases.size(), kLinesMax); ++place) {
    const PhaseReport& phase = report.phases[place];
    Plot::Line line{.name = phase.name, .points = {}, .colour = place};
    constexpr int kSteps = 200;
    for (int i = 0; i <= kSteps; ++i) {
      const double share = static_cast<double>(i) / kSteps;
      const double value = at(phase, share);
      if (value > 0 || !line.points.empty()) line.points.emplace_back(value, share * kPercent);
    }
    if (!line.points.empty()) plot.lines.push_back(std::move(line));
  }
  return plot;
}

Plot loss_distribution(const Report& report) {
  Plot plot = distribution(report, "% of their packets", [](const PhaseReport& phase, double at) {
    return percentile(phase.viewer_loss, at) * kPercent;
  });
  plot.logarithmic_x = false;  // most of it is often none
  return plot;
}

std::string distributions(const Report& report) {
  std::string text;
  text += card("Delay: how many packets took at most so long",
               distribution(report, "ms", [](const PhaseReport& phase, double share) {
                 return phase.delay.percentile(share);
               }));
  text += card("First picture: how many waited at most so long",
               distribution(report, "ms", [](const PhaseReport& phase, double share) {
                 return percentile(phase.first_frame_ms, share);
               }));
  const bool has_gaps = std::ranges::any_of(
      report.phases, [](const PhaseReport& phase) { return !phase.gap_ms.empty(); });
  if (has_gaps) {
    text += card("Moving: how many were without a picture at most so long",
                 distribution(report, "ms", [](const PhaseReport& phase, double share) {
                   return percentile(phase.gap_ms, share);
                 }));
  }
  const bool has_switches = std::ranges::any_of(
      report.phases, [](const PhaseReport& phase) { return !phase.switch_ms.empty(); });
  if (has_switches) {
    text += card("Switching: how many slots showed the next one after at most so long",
                 distribution(report, "ms", [](const PhaseReport& phase, double share) {
                   return percentile(phase.switch_ms, share);
                 }));
  }
  const bool has_loss = std::ranges::any_of(
      report.phases, [](const PhaseReport& phase) { return phase.viewer_loss_max > 0; });
  if (has_loss) {
    text += card("Loss: how many viewers lost at most so much", loss_distribution(report));
  }
  return text;
}

std::string plots(const Report& report) {
  std::string text = "<div class=\"plots\">\n" + distributions(report);
  Plot delay{.unit_x = "s",
             .unit_y = "ms",
             .lines = {over_time(report, "median", &Second::delay_p50),
                       over_time(report, "99th percentile", &Second::delay_p99)},
             .bands = bands(report)};
  text += card("Delay over time", delay);
  Plot packets{.unit_x = "s",
               .unit_y = "/s",
               .lines = {over_time(report, "received", &Second::packets),
                         over_time(report, "expected", &Second::expected)},
               .bands = bands(report)};
  packets.lines[1].dashed = true;
  text += card("Packets to all viewers", packets);
  Plot cpu{.unit_x = "s", .unit_y = "% of a core", .lines = {}, .bands = bands(report)};
  if (report.has_relay) {
    cpu.lines.push_back(over_time(report, "relay", &Second::relay_cpu, kPercent));
  }
  cpu.lines.push_back(over_time(report, "simpul-load", &Second::own_cpu, kPercent));
  cpu.lines.push_back(over_time(report, "it waits for a core", &Second::own_wait, kPercent));
  cpu.lines.back().dashed = true;
  cpu.y_min_top = kPercent;
  text += card("CPU", cpu);
  Plot people{.unit_x = "s",
              .unit_y = "",
              .lines = {people_over_time(report, "connections", &Second::present),
                        people_over_time(report, "still joining", &Second::joining)},
              .bands = bands(report)};
  text += card("Who is there", people);
  if (report.has_relay) {
    text +=
        card("Memory of the relay", {.unit_x = "s",
                                     .unit_y = "MiB",
                                     .lines = {over_time(report, "resident", &Second::relay_mib)},
                                     .bands = bands(report)});
  }
  return text + "</div>\n";
}

struct Column {
  const char* title;
  std::function<std::string(const PhaseReport&)> text;
};

std::vector<Column> columns(bool has_relay) {
  const auto value = [](Metric metric) {
    return [metric](const PhaseReport& phase) { return known(phase, metric); };
  };
  const auto values = [](const std::vector<Metric>& metrics) {
    return [metrics](const PhaseReport& phase) {
      std::string text;
      for (const Metric metric : metrics) {
        text += (text.empty() ? "" : " / ") + known(phase, metric);
      }
      return text;
    };
  };
  std::vector<Column> all = {
      {"seconds", [](const PhaseReport& phase) { return fixed(phase.seconds, 0); }},
      {"publish", [](const PhaseReport& phase) { return std::to_string(phase.publishers); }},
      {"watch", [](const PhaseReport& phase) { return std::to_string(phase.viewers); }},
      {"failed", value(Metric::kFailedJoins)},
      {"packets",
       [](const PhaseReport& phase) {
         return short_text(static_cast<double>(phase.received.packets));
       }},
      {"lost", [](const PhaseReport& phase) { return std::to_string(phase.lost()); }},
      {"repaired",
       [](const PhaseReport& phase) { return std::to_string(phase.received.repaired); }},
      {"freezes", value(Metric::kFreezes)},
      {"delay, ms<br>p50 / p99", values({Metric::kDelayP50, Metric::kDelayP99})},
      {"first picture, ms<br>p50 / p95 / p99",
       values({Metric::kFirstFrameP50, Metric::kFirstFrameP95, Metric::kFirstFrameP99})}};
  if (!has_relay) return all;
  all.push_back({"relay,<br>% of a core", [](const PhaseReport& phase) {
                   return why_unknown(phase, Metric::kRelayCpuShare)
                              ? "-"
                              : percent(phase.relay_cpu_share());
                 }});
  all.push_back({"relay,<br>µs a datagram", value(Metric::kRelayCpuPerPacket)});
  return all;
}

std::string phase_table(const Report& report) {
  std::string text =
      "<section class=\"card\"><h2>Phases</h2><div class=\"scroll\"><table>"
      "<thead><tr><th>phase</th>";
  const auto all = columns(report.has_relay);
  for (const Column& column : all) text += std::string("<th>") + column.title + "</th>";
  text += "</tr></thead>\n";
  for (const PhaseReport& phase : report.phases) {
    text += "<tr><td>" + html_escaped(phase.name) +
            (phase.name == phase.kind ? "" : " (" + phase.kind + ")") + "</td>";
    for (const Column& column : all) text += "<td>" + column.text(phase) + "</td>";
    text += "</tr>\n";
  }
  return text + "</table></div></section>\n";
}

std::string limit_cell(const PhaseReport& phase, Metric metric) {
  const auto limit = std::ranges::find(phase.limits, metric, &Limit::metric);
  if (limit == phase.limits.end()) return "<td>-</td>";
  if (why_unknown(phase, metric)) return "<td class=\"bad\">not known</td>";
  const double value = value_of(phase, metric);
  const bool kept = value <= limit->most;
  return std::string("<td class=\"") + (kept ? "good" : "bad") + "\">" + readable(value) +
         (kept ? " of " : " above ") + readable(limit->most) + "</td>";
}

// What was, of what may be.
std::string limit_table(const Report& report) {
  std::string rows;
  for (const MetricName& metric : kMetricNames) {
    const auto limited = [&metric](const PhaseReport& phase) {
      return std::ranges::find(phase.limits, metric.metric, &Limit::metric) != phase.limits.end();
    };
    if (std::ranges::none_of(report.phases, limited)) continue;
    rows += "<tr><td>" + std::string(metric.name) + "</td>";
    for (const PhaseReport& phase : report.phases) rows += limit_cell(phase, metric.metric);
    rows += "</tr>\n";
  }
  if (rows.empty()) return "";
  std::string head = "<th>limit</th>";
  for (const PhaseReport& phase : report.phases)
    head += "<th>" + html_escaped(phase.name) + "</th>";
  return "<section class=\"card\" style=\"margin-top:16px\"><h2>Limits</h2><div class=\"scroll\">"
         "<table><thead><tr>" +
         head + "</tr></thead>\n" + rows + "</table></div></section>\n";
}

std::string notes(const Report& report, const std::vector<std::string>& complaints) {
  std::string text;
  if (!complaints.empty()) {
    text += "<div class=\"note\"><b>What is wrong</b><ul>";
    for (const std::string& line : complaints) text += "<li>" + html_escaped(line) + "</li>";
    text += "</ul></div>\n";
  }
  std::string busy;
  for (const PhaseReport& phase : report.phases) {
    if (phase.own.is_bottleneck()) busy += (busy.empty() ? "" : ", ") + phase.name;
  }
  if (!busy.empty()) {
    text += "<div class=\"note warn\"><b>simpul-load itself was a bottleneck</b> (" +
            html_escaped(busy) +
            "): its core was full, its timers came late or its sockets overflowed. Delay and loss "
            "may be its own."
            "</div>\n";
  }
  if (report.interrupted) {
    text +=
        "<div class=\"note warn\"><b>Interrupted.</b> This is what there was until then.</div>\n";
  }
  return text;
}

}  // namespace

std::string to_html(const Report& report, const std::vector<std::string>& complaints) {
  const std::string title = html_escaped(report.scenario);
  const bool good = complaints.empty();
  std::string text = std::string(kHead) + "<title>" + title + " - simpul-load</title>\n" + kStyle +
                     "</head><body><main>\n<header><h1>" + title + "</h1><span class=\"badge " +
                     (good ? "good\">passed" : "bad\">failed") + "</span></header>\n";
  text += "<p class=\"sub\">simpul-load against " + html_escaped(report.server) + ", seed " +
          std::to_string(report.seed) + ". " + html_escaped(report.machine) + ".</p>\n";
  text += notes(report, complaints) + tiles(report) + phase_table(report) + limit_table(report) +
          plots(report);
  text +=
      "<footer>Sockets: " + html_escaped(report.sockets) +
      ". Delay is from the moment a packet leaves its publisher to the moment the kernel puts it "
      "into a viewer's socket, both on the same machine and clock. Grey stretches are the times "
      "that were measured.</footer>\n";
  return text + "</main></body></html>\n";
}

}  // namespace simpul::load
