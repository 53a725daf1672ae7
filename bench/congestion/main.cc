#include <cmath>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "bench/congestion/plot.h"
#include "bench/congestion/scenarios.h"

// Runs all scenarios and prints their table in Markdown; writes a plot of each into the folder.
namespace simpul::congestion {
namespace {

constexpr uint64_t kSeed = 1;

// What there is from a second on, on average.
double capacity_from(const FlowResult& flow, double from) {
  double sum = 0;
  int count = 0;
  for (const Sample& sample : flow.samples) {
    if (sample.second < from) continue;
    sum += sample.capacity_bps;
    ++count;
  }
  return count > 0 ? sum / count : 0;
}

std::string file_name(const Scenario& scenario) {
  std::string name = "congestion-";
  for (const char letter : scenario.name) {
    if ((letter == ' ' || letter == '.') && name.back() != '-') name += '-';
    if ((letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')) name += letter;
  }
  if (name.back() == '-') name.pop_back();
  return name + ".svg";
}

void report(const Scenario& scenario, const std::string& folder) {
  const auto flows = run_scenario(scenario, kSeed);
  const double until = std::chrono::duration<double>(scenario.duration).count();
  const double capacity = capacity_from(flows.front(), scenario.steady_from);
  std::vector<double> rates;
  double sent = 0;
  double median = 0;
  double tail = 0;
  uint64_t packets = 0;
  uint64_t lost = 0;
  for (const FlowResult& flow : flows) {
    rates.push_back(flow.mean_bps(scenario.steady_from, until));
    sent += rates.back();
    median = std::max(median, flow.queue_percentile(0.5));
    tail = std::max(tail, flow.queue_percentile(0.95));
    packets += flow.sent_packets;
    lost += flow.lost_packets;
  }
  std::printf("| %s | %s | %.0f %% | %.2f | %.0f / %.0f ms | %.1f %% |\n", scenario.name.c_str(),
              scenario.what.c_str(), 100 * sent / capacity, fairness(rates), median, tail,
              100.0 * static_cast<double>(lost) / static_cast<double>(packets));
  std::ofstream(folder + "/" + file_name(scenario)) << plot(scenario, flows);
}

// What becomes of the layers.
void report_layers(const Scenario& scenario) {
  const auto flows = run_scenario(scenario, kSeed);
  double minutes = 0;
  double steady_switches = 0;
  size_t switches = 0;
  uint64_t sent_audio = 0;
  uint64_t lost_audio = 0;
  for (const FlowResult& flow : flows) {
    for (const auto& [from, to] : steady_times(scenario, kSettling)) {
      minutes += (to - from) / 60;
      steady_switches += flow.switches_a_minute(from, to) * (to - from) / 60;
    }
    switches += flow.layer_switches.size();
    sent_audio += flow.sent_audio;
    lost_audio += flow.lost_audio;
  }
  const std::string use =
      flows.size() > 1
          ? "-"
          : std::to_string(std::lround(100 * use_of_layers(scenario, flows.front()))) + " %";
  std::printf("| %s | %s | %s | %.1f | %zu | %.1f %% |\n", scenario.name.c_str(),
              scenario.what.c_str(), use.c_str(), steady_switches / minutes, switches,
              100.0 * static_cast<double>(lost_audio) / static_cast<double>(sent_audio));
}

}  // namespace
}  // namespace simpul::congestion

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: congestion_report FOLDER\n", stderr);
    return 2;
  }
  std::puts("| case | what | sent of the capacity | fairness | queue p50 / p95 | lost |");
  std::puts("|---|---|---|---|---|---|");
  for (const auto& scenario : simpul::congestion::scenarios()) {
    simpul::congestion::report(scenario, argv[1]);
  }
  std::puts(
      "\n| case | what | used of what layers allow | steady switches a minute | all switches | "
      "audio lost |");
  std::puts("|---|---|---|---|---|---|");
  for (const auto& scenario : simpul::congestion::scenarios()) {
    if (!scenario.flows.front().layers.empty()) simpul::congestion::report_layers(scenario);
  }
  return 0;
}
