#include "bench/congestion/scenarios.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"

namespace simpul::congestion {
namespace {

using namespace std::chrono_literals;

PathProfile varying(std::vector<PathProfile::Step> capacity) {
  PathProfile path;
  path.capacity = std::move(capacity);
  return path;
}

PathProfile constant(double bps) { return varying({{0s, bps}}); }

FlowProfile at(Duration start, Duration one_way = 50ms) {
  return {.start = start, .one_way = one_way};
}

void append_rfc8867(std::vector<Scenario>& list) {
  FlowProfile pausing;
  pausing.pause = std::pair<Duration, Duration>(40s, 60s);
  list.push_back({.name = "5.1",
                  .what = "variable capacity, one flow",
                  .path = varying({{0s, 1e6}, {40s, 2.5e6}, {60s, 0.6e6}, {80s, 1e6}}),
                  .flows = {{}},
                  .duration = 100s,
                  .steady_from = 10});
  list.push_back({.name = "5.2",
                  .what = "variable capacity, two flows",
                  .path = varying({{0s, 4e6}, {25s, 2e6}, {50s, 3.5e6}, {75s, 1e6}, {100s, 2e6}}),
                  .flows = {{}, {}},
                  .duration = 125s,
                  .steady_from = 10});
  list.push_back({.name = "5.4",
                  .what = "three flows, 20 s apart",
                  .path = constant(3.5e6),
                  .flows = {{}, at(20s), at(40s)},
                  .duration = 120s,
                  .steady_from = 80});
  list.push_back({.name = "5.5",
                  .what = "five flows of 10 to 150 ms, 10 s apart",
                  .path = constant(4e6),
                  .flows = {at(0s, 10ms), at(10s, 25ms), at(20s), at(30s, 100ms), at(40s, 150ms)},
                  .duration = 300s,
                  .steady_from = 200});
  list.push_back({.name = "5.8",
                  .what = "three flows, one pauses for 20 s",
                  .path = constant(3.5e6),
                  .flows = {pausing, {}, {}},
                  .duration = 120s,
                  .steady_from = 90});
}

void append_losses(std::vector<Scenario>& list) {
  for (const int percent : {1, 5, 10, 20}) {
    PathProfile path = constant(2e6);
    path.loss = percent / 100.0;
    list.push_back({.name = "loss " + std::to_string(percent) + " %",
                    .what = "random loss",
                    .path = path,
                    .flows = {{}},
                    .duration = 60s,
                    .steady_from = 20});
    if (percent < 5) continue;
    Scenario later = list.back();
    later.name += " from 20 s";
    later.path.loss_from = 20s;
    Scenario both = list.back();
    both.name += " both ways";
    both.what = "random loss of packets and of reports";
    both.path.feedback_loss = path.loss;
    list.push_back(std::move(later));
    list.push_back(std::move(both));
  }
}

void append_drops(std::vector<Scenario>& list) {
  FlowProfile fast;
  fast.max_bps = 9e6;
  list.push_back({.name = "ramp",
                  .what = "0.3 to 2 Mbit/s",
                  .path = constant(2e6),
                  .flows = {{}},
                  .duration = 30s,
                  .steady_from = 5});
  list.push_back({.name = "drop",
                  .what = "2.5 to 0.6 Mbit/s at 20 s",
                  .path = varying({{0s, 2.5e6}, {20s, 0.6e6}}),
                  .flows = {{}},
                  .duration = 60s,
                  .steady_from = 30});
  list.push_back({.name = "deep drop",
                  .what = "10 to 0.3 Mbit/s at 20 s",
                  .path = varying({{0s, 10e6}, {20s, 0.3e6}}),
                  .flows = {fast},
                  .duration = 60s,
                  .steady_from = 30});
}

void append_bad_paths(std::vector<Scenario>& list) {
  PathProfile policed = constant(2e6);
  policed.policer_burst_bytes = 20'000;
  PathProfile restless = constant(2e6);
  restless.jitter = 30ms;
  PathProfile deaf = constant(2e6);
  deaf.feedback_loss = 0.2;
  FlowProfile drifting;
  drifting.clock_drift = 1e-4;
  list.push_back({.name = "jitter",
                  .what = "up to 30 ms",
                  .path = restless,
                  .flows = {{}},
                  .duration = 60s,
                  .steady_from = 20});
  list.push_back({.name = "policer",
                  .what = "2 Mbit/s with a bucket of 20 kB, no queue",
                  .path = policed,
                  .flows = {{}},
                  .duration = 60s,
                  .steady_from = 20});
  policed.capacity = {{0s, 3e6}, {20s, 1e6}};
  list.push_back({.name = "policer, drop",
                  .what = "3 to 1 Mbit/s at 20 s, the same bucket",
                  .path = policed,
                  .flows = {{}},
                  .duration = 60s,
                  .steady_from = 25});
  list.push_back({.name = "reports lost",
                  .what = "20 % of the reports",
                  .path = deaf,
                  .flows = {{}},
                  .duration = 60s,
                  .steady_from = 20});
  list.push_back({.name = "clock drift",
                  .what = "100 ppm",
                  .path = constant(2e6),
                  .flows = {drifting},
                  .duration = 60s,
                  .steady_from = 20});
}

FlowProfile layered(std::vector<double> layers, size_t slots = 1) {
  FlowProfile flow;
  flow.layers = std::move(layers);
  flow.slots = slots;
  flow.audio_bps = 40e3;
  return flow;
}

void append_layers(std::vector<Scenario>& list) {
  const auto three = layered({150e3, 500e3, 1'500e3});
  list.push_back({.name = "layers",
                  .what = "layers of 0.15, 0.5, 1.7 and 2.5 Mbit/s on 3 Mbit/s",
                  .path = constant(3e6),
                  .flows = {layered({150e3, 500e3, 1'700e3, 2'500e3})},
                  .duration = 60s,
                  .steady_from = 20});
  list.push_back(
      {.name = "layers, drop",
       .what = "layers of 0.15, 0.5 and 1.7 Mbit/s; 2.2 to 0.6 Mbit/s at 20 s and back at 40 s",
       .path = varying({{0s, 2.2e6}, {20s, 0.6e6}, {40s, 2.2e6}}),
       .flows = {layered({150e3, 500e3, 1'700e3})},
       .duration = 60s,
       .steady_from = 50});
  list.push_back({.name = "layers, follow",
                  .what = "3 to 0.5 Mbit/s at 20 s and back at 50 s",
                  .path = varying({{0s, 3e6}, {20s, 0.5e6}, {50s, 3e6}}),
                  .flows = {three},
                  .duration = 80s,
                  .steady_from = 62});
  list.push_back({.name = "layers, four slots",
                  .what = "four people in one picture; 3.5 to 1.2 Mbit/s at 30 s",
                  .path = varying({{0s, 3.5e6}, {30s, 1.2e6}}),
                  .flows = {layered({150e3, 500e3, 1'500e3}, 4)},
                  .duration = 70s,
                  .steady_from = 45});
  for (const char* name : {"5.1", "5.2", "5.4", "5.8"}) {
    const auto found = std::ranges::find(list, name, &Scenario::name);
    Scenario same = *found;
    same.name = "layers, " + same.name;
    for (FlowProfile& flow : same.flows) {
      flow.layers = three.layers;
      flow.audio_bps = three.audio_bps;
    }
    list.push_back(std::move(same));
  }
  Scenario lossy = *std::ranges::find(list, "loss 5 %", &Scenario::name);
  lossy.name = "layers, loss 5 %";
  lossy.flows = {three};
  list.push_back(std::move(lossy));
}

void append_lossy_layers(std::vector<Scenario>& list) {
  const auto three = layered({150e3, 500e3, 1'500e3});
  for (const int percent : {10, 20}) {
    PathProfile path = constant(3e6);
    path.loss = path.feedback_loss = percent / 100.0;
    list.push_back({.name = "layers, loss " + std::to_string(percent) + " % both ways",
                    .what = "random loss of packets and of reports on 3 Mbit/s",
                    .path = path,
                    .flows = {three},
                    .duration = 60s,
                    .steady_from = 20});
  }
  Scenario quiet = list[list.size() - 2];
  quiet.name = "layers, audio alone under loss";
  quiet.what = "the same, 10 % until 40 s, and no video from 15 to 45 s";
  quiet.path.loss_until = 40s;
  quiet.flows.front().pause = std::pair<Duration, Duration>(15s, 45s);
  quiet.steady_from = 50;
  Scenario unprobed = list[list.size() - 2];
  unprobed.name = "layers, loss 10 %, no RTX";
  unprobed.what = "the same without retransmissions, and so without probes";
  unprobed.flows.front().has_rtx = false;
  Scenario narrow = unprobed;
  narrow.name = "layers, narrow, no RTX";
  narrow.what = "0.8 Mbit/s, without retransmissions, and so without probes";
  narrow.path = constant(0.8e6);
  Scenario policed = narrow;
  policed.name = "layers, policer";
  policed.what = "0.8 Mbit/s with a bucket of 20 kB, no queue";
  policed.path.policer_burst_bytes = 20'000;
  policed.flows.front().has_rtx = true;
  for (Scenario* each : {&quiet, &unprobed, &narrow, &policed}) list.push_back(std::move(*each));
}

std::vector<Scenario> all() {
  std::vector<Scenario> list;
  append_rfc8867(list);
  append_drops(list);
  append_losses(list);
  append_bad_paths(list);
  append_layers(list);
  append_lossy_layers(list);
  return list;
}

}  // namespace

std::span<const Scenario> scenarios() {
  static const std::vector<Scenario> kScenarios = all();
  return kScenarios;
}

const Scenario& scenario(std::string_view name) {
  const auto found = std::ranges::find(scenarios(), name, &Scenario::name);
  SIMPUL_CHECK(found != scenarios().end());
  return *found;
}

std::vector<std::pair<double, double>> steady_times(const Scenario& scenario, double settling) {
  std::vector<std::pair<double, double>> times;
  const auto& steps = scenario.path.capacity;
  for (size_t i = 0; i < steps.size(); ++i) {
    const Duration end = i + 1 < steps.size() ? steps[i + 1].at : scenario.duration;
    const double from = std::chrono::duration<double>(steps[i].at).count() + settling;
    const double to = std::chrono::duration<double>(end).count();
    if (from < to) times.emplace_back(from, to);
  }
  return times;
}

double use_of_layers(const Scenario& scenario, const FlowResult& flow) {
  double used = 0;
  double allowed = 0;
  for (const auto& [from, to] : steady_times(scenario, kSettling)) {
    for (const Sample& sample : flow.samples) {
      if (sample.second < from || sample.second >= to) continue;
      used += sample.sent_bps;
      allowed += allowed_bps(scenario.flows.front(), sample.capacity_bps);
    }
  }
  return allowed > 0 ? used / allowed : 0;
}

std::vector<FlowResult> run_scenario(const Scenario& scenario, uint64_t seed) {
  return Simulator(scenario.path, scenario.flows, seed).run(scenario.duration);
}

}  // namespace simpul::congestion
