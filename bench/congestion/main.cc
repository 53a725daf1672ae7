#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <string>
#include <vector>

#include "bench/congestion/plot.h"
#include "bench/congestion/scenarios.h"

// Runs scenarios, all where none is named, with several seeds and prints tables of the medians in
// Markdown, the worst in brackets; writes a plot of each into the folder.
namespace simpul::congestion {
namespace {

constexpr uint64_t kSeeds = 15;  // where nothing else is said; 1 is the one that is drawn

// Of several seeds.
struct Figures {
  std::vector<double> values;

  double at(double share) {
    std::ranges::sort(values);
    return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
  }
  double median() { return at(0.5); }
  double least() { return at(0); }
  double most() { return at(1); }
};

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
  for (const char character : scenario.name) {
    const char letter = 'A' <= character && character <= 'Z' ? character - 'A' + 'a' : character;
    if ((letter == ' ' || letter == '.') && name.back() != '-') name += '-';
    if ((letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9')) name += letter;
  }
  if (name.back() == '-') name.pop_back();
  return name + ".svg";
}

using Runs = std::vector<std::vector<FlowResult>>;  // of each seed

// Of one run.
struct Whole {
  std::vector<double> shares;  // of each flow, of what its path carries
  double queue_median = 0;
  double queue_tail = 0;
  uint64_t packets = 0;
  uint64_t lost = 0;
};

Whole measure(const Scenario& scenario, const std::vector<FlowResult>& flows) {
  Whole whole;
  const double until = seconds(scenario.duration);
  for (const FlowResult& flow : flows) {
    if (flow.is_download) continue;
    whole.shares.push_back(flow.mean_bps(scenario.steady_from, until) /
                           capacity_from(flow, scenario.steady_from));
    whole.queue_median = std::max(whole.queue_median, flow.queue_percentile(0.5));
    whole.queue_tail = std::max(whole.queue_tail, flow.queue_percentile(0.95));
    whole.packets += flow.sent_packets;
    whole.lost += flow.lost_packets;
  }
  return whole;
}

void report(const Scenario& scenario, const Runs& runs) {
  Figures sent;
  Figures fair;
  Figures median;
  Figures tail;
  Figures lost;
  const double paths = scenario.back ? 2 : 1;
  for (const auto& flows : runs) {
    const Whole whole = measure(scenario, flows);
    const double sum = std::accumulate(whole.shares.begin(), whole.shares.end(), 0.0);
    sent.values.push_back(100 * sum / paths);
    fair.values.push_back(fairness(whole.shares));
    median.values.push_back(whole.queue_median);
    tail.values.push_back(whole.queue_tail);
    lost.values.push_back(100.0 * static_cast<double>(whole.lost) /
                          static_cast<double>(whole.packets));
  }
  std::printf("| %s | %s | %.0f (%.0f) %% | %.2f (%.2f) | %.0f / %.0f (%.0f) ms | %.1f %% |\n",
              scenario.name.c_str(), scenario.what.c_str(), sent.median(), sent.least(),
              fair.median(), fair.least(), median.median(), tail.median(), tail.most(),
              lost.median());
}

// Beside TCP: who got how much.
void report_downloads(const Scenario& scenario, const Runs& runs) {
  Figures media;
  Figures downloads;
  for (const auto& flows : runs) {
    const Whole whole = measure(scenario, flows);
    media.values.push_back(100 * std::accumulate(whole.shares.begin(), whole.shares.end(), 0.0));
    const double from = scenario.steady_from;
    const FlowResult& fetched = flows.back();
    downloads.values.push_back(100 * fetched.mean_bps(from, seconds(scenario.duration)) /
                               capacity_from(fetched, from));
  }
  std::printf("| %s | %s | %.0f (%.0f) %% | %.0f %% |\n", scenario.name.c_str(),
              scenario.what.c_str(), media.median(), media.least(), downloads.median());
}

// What becomes of the layers.
void report_layers(const Scenario& scenario, const Runs& runs) {
  Figures use;
  Figures steady;
  Figures switches;
  Figures audio;
  for (const auto& flows : runs) {
    double minutes = 0;
    double steady_switches = 0;
    size_t all_switches = 0;
    uint64_t sent_audio = 0;
    uint64_t lost_audio = 0;
    for (const FlowResult& flow : flows) {
      for (const auto& [from, to] : steady_times(scenario, kSettling)) {
        minutes += (to - from) / 60;
        steady_switches += flow.switches_a_minute(from, to) * (to - from) / 60;
      }
      all_switches += flow.layer_switches.size();
      sent_audio += flow.sent_audio;
      lost_audio += flow.lost_audio;
    }
    use.values.push_back(100 * use_of_layers(scenario, flows.front()));
    steady.values.push_back(steady_switches / minutes);
    switches.values.push_back(static_cast<double>(all_switches));
    audio.values.push_back(100.0 * static_cast<double>(lost_audio) /
                           static_cast<double>(sent_audio));
  }
  const bool is_alone = scenario.flows.size() == 1;
  std::printf("| %s | %s | ", scenario.name.c_str(), scenario.what.c_str());
  is_alone ? std::printf("%.0f (%.0f) %%", use.median(), use.least()) : std::printf("-");
  std::printf(" | %.1f (%.1f) | %.0f (%.0f) | %.1f %% |\n", steady.median(), steady.most(),
              switches.median(), switches.most(), audio.median());
}

void report_all(const std::vector<const Scenario*>& cases, const std::string& folder,
                uint64_t seeds) {
  std::vector<Runs> all;
  std::puts("| case | what | sent of the capacity | fairness | queue p50 / p95 | lost |");
  std::puts("|---|---|---|---|---|---|");
  for (const Scenario* scenario : cases) {
    Runs& runs = all.emplace_back();
    for (uint64_t seed = 1; seed <= seeds; ++seed) runs.push_back(run_scenario(*scenario, seed));
    report(*scenario, runs);
    std::ofstream(folder + "/" + file_name(*scenario)) << plot(*scenario, runs.front());
    // What the other tables need no more.
    for (auto& flows : runs) {
      for (FlowResult& flow : flows) std::vector<double>().swap(flow.queue_ms);
    }
  }
  std::puts(
      "\n| case | what | used of what layers allow | steady switches a minute | all switches | "
      "audio lost |");
  std::puts("|---|---|---|---|---|---|");
  for (size_t i = 0; i < all.size(); ++i) {
    if (!cases[i]->flows.front().layers.empty()) report_layers(*cases[i], all[i]);
  }
  std::puts("\n| case | what | media | TCP |");
  std::puts("|---|---|---|---|");
  for (size_t i = 0; i < all.size(); ++i) {
    if (!cases[i]->downloads.empty()) report_downloads(*cases[i], all[i]);
  }
}

}  // namespace
}  // namespace simpul::congestion

int main(int argc, char** argv) {
  using namespace simpul::congestion;
  if (argc < 2) {
    std::fputs("usage: congestion_report FOLDER [SEEDS [CASE ...]]\n", stderr);
    return 2;
  }
  const uint64_t seeds = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : kSeeds;
  std::vector<const Scenario*> cases;
  for (int i = 3; i < argc; ++i) cases.push_back(&scenario(argv[i]));
  if (cases.empty()) {
    for (const Scenario& each : scenarios()) cases.push_back(&each);
  }
  report_all(cases, argv[1], std::max<uint64_t>(seeds, 1));
  return 0;
}
