// simpul-load: synthetic people against a running relay, and what they saw.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>

#include "bench/load/command_line.h"
#include "bench/load/html_report.h"
#include "bench/load/process_meter.h"
#include "bench/load/report.h"
#include "bench/load/run.h"

namespace {

using simpul::load::CommandLine;
using simpul::load::Progress;

constexpr int kLimitBroken = 1;
constexpr int kWrongUsage = 2;

int refuse(const std::string& reason, int status) {
  std::fprintf(stderr, "simpul-load: %s\n", reason.c_str());
  return status;
}

// On a terminal in place, elsewhere a line a second.
void show(const Progress& progress) {
  const std::string line = to_line(progress);
  static const bool is_terminal = isatty(STDERR_FILENO) != 0;
  std::fprintf(stderr, is_terminal ? "\r\033[K%s" : "%s\n", line.c_str());
}

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file) return true;
  std::fprintf(stderr, "simpul-load: %s: cannot be written\n", path.c_str());
  return false;
}

// What is asked for besides the summary; false when a file cannot be written.
bool write_reports(const CommandLine& line, const simpul::load::Report& report,
                   const std::vector<std::string>& wrong) {
  const std::string json = to_json(report, wrong);
  std::fputs(line.json == "-" ? json.c_str() : to_text(report).c_str(), stdout);
  bool written = true;
  if (!line.json.empty() && line.json != "-") written = write_file(line.json, json);
  if (!line.html.empty()) {
    written = write_file(line.html, simpul::load::to_html(report, wrong)) && written;
  }
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app("", "simpul-load");
  simpul::load::describe(app, line);
  try {  // The library knows no other way to report.
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  if (const auto reason = misplaced_flag(app, line)) return refuse(*reason, kWrongUsage);
  const auto scenario = simpul::load::scenario_of(line);
  if (!scenario) return refuse(scenario.error(), kWrongUsage);
  const auto plan = simpul::load::make_plan(*scenario);
  if (!plan) return refuse(plan.error(), kWrongUsage);
  if (line.check) {
    std::printf("%s: ok, %zu connections at one time at most, %zu sockets\n",
                scenario->name.c_str(), plan->connections_max(*scenario),
                plan->sockets_max(*scenario));
    return 0;
  }
  const bool measures_relay = line.relay_pid != 0;
  if (measures_relay && !simpul::load::read_usage(line.relay_pid).there) {
    return refuse("--relay-pid: there is no such process", kWrongUsage);
  }
  if (const auto reason = unjudged_limit(*scenario, measures_relay)) {
    return refuse(*reason, kLimitBroken);
  }
  simpul::load::RunOptions options{.cpu = line.cpu, .relay_pid = line.relay_pid};
  if (!line.quiet) options.on_progress = show;
  const auto report = simpul::load::run(*scenario, *plan, options);
  if (!line.quiet && isatty(STDERR_FILENO) != 0) std::fputs("\r\033[K", stderr);
  if (!report) return refuse(report.error(), kLimitBroken);
  const auto wrong = complaints(*report);
  const bool written = write_reports(line, *report, wrong);
  for (const std::string& text : wrong) std::fprintf(stderr, "simpul-load: %s\n", text.c_str());
  return wrong.empty() && written ? 0 : kLimitBroken;
}
