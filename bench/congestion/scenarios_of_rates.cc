#include "bench/congestion/scenario_groups.h"

#include <string>
#include <utility>

namespace simpul::congestion {

using namespace std::chrono_literals;

PathProfile varying(std::vector<PathProfile::Step> capacity) {
  PathProfile path;
  path.capacity = std::move(capacity);
  return path;
}

PathProfile constant(double bps) { return varying({{0s, bps}}); }

FlowProfile at(Duration start, Duration one_way) { return {.start = start, .one_way = one_way}; }

void append_rfc8867(std::vector<Scenario>& list) {
  FlowProfile pausing;
  pausing.pause = std::pair<Duration, Duration>(40s, 60s);
  list.push_back({.name = "5.1",
                  .what = "variable capacity, one flow",
                  .path = varying({{0s, 1e6}, {40s, 2.5e6}, {60s, 0.6e6}, {80s, 1e6}}),
                  .flows = {{}},
                  .duration = 100s,
                  .steady_from = 10});
  Scenario far = list.back();
  far.name = "5.1, 100 ms";
  far.what = "the same with 100 ms one way";
  far.flows.front().one_way = 100ms;
  list.push_back(std::move(far));
  list.push_back({.name = "5.2",
                  .what = "variable capacity, two flows",
                  .path = varying({{0s, 4e6}, {25s, 2e6}, {50s, 3.5e6}, {75s, 1e6}, {100s, 2e6}}),
                  .flows = {{}, {}},
                  .duration = 125s,
                  .steady_from = 10});
  FlowProfile backward;
  backward.is_backward = true;
  list.push_back({.name = "5.3",
                  .what = "both ways, reports on the other's path",
                  .path = varying({{0s, 2e6}, {20s, 1e6}, {40s, 0.5e6}, {60s, 2e6}}),
                  .flows = {{}, backward},
                  .duration = 100s,
                  .steady_from = 10,
                  .back = varying({{0s, 2e6}, {35s, 0.8e6}, {70s, 2e6}})});
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

// Beside TCP (RFC 8867, sections 5.6 and 5.7).
void append_others_on_the_path(std::vector<Scenario>& list) {
  for (const Duration queue : {300ms, 1'000ms}) {
    PathProfile path = constant(2e6);
    path.queue = queue;
    const auto length =
        std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(queue).count());
    list.push_back({.name = "5.6, " + length + " ms",
                    .what = "beside a long TCP, queue of " + length + " ms",
                    .path = path,
                    .flows = {at(5s)},
                    .duration = 120s,
                    .steady_from = 20,
                    .downloads = {{}}});
  }
  std::vector<DownloadProfile> files(10, {.file_bytes = std::pair(100e3, 1e6)});
  for (size_t i = 2; i < files.size(); ++i) files[i].begins_with_pause = true;
  list.push_back({.name = "5.7",
                  .what = "two flows beside ten short TCPs",
                  .path = constant(2e6),
                  .flows = {{}, {}},
                  .duration = 300s,
                  .steady_from = 20,
                  .downloads = files});
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
  PathProfile gathered = constant(2e6);
  gathered.gathering = std::pair<Duration, Duration>(10ms, 30ms);
  list.push_back({.name = "gathered",
                  .what = "let go together every 10 to 30 ms, as on a radio",
                  .path = gathered,
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

}  // namespace simpul::congestion
