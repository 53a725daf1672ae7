#include "bench/congestion/scenario_groups.h"

#include <algorithm>
#include <utility>

namespace simpul::congestion {

using namespace std::chrono_literals;

FlowProfile layered(std::vector<double> layers, size_t slots) {
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

void append_bad_paths_of_layers(std::vector<Scenario>& list) {
  const auto three = layered({150e3, 500e3, 1'500e3});
  Scenario uplink{.name = "layers, lossy uplink",
                  .what = "a fifth of the publisher's packets lost from 20 s on, on 3 Mbit/s",
                  .path = constant(3e6),
                  .flows = {three},
                  .duration = 60s,
                  .steady_from = 20};
  uplink.flows.front().uplink_loss = 0.2;
  uplink.flows.front().uplink_loss_from = 20s;
  Scenario gathered = uplink;
  gathered.name = "layers, gathered";
  gathered.what = "let go together every 10 to 30 ms, as on a radio, of 3 Mbit/s";
  gathered.path.gathering = std::pair<Duration, Duration>(10ms, 30ms);
  gathered.flows = {three};
  for (const char* before : {"layers, follow", "layers, drop", "layers, loss 5 %"}) {
    const auto same = std::ranges::find(list, before, &Scenario::name);
    Scenario itself = *same;
    itself.name += ", REMB";
    itself.what = "the same for a receiver that only estimates itself, and a minute longer";
    itself.flows.front().estimates_itself = true;
    itself.duration += 60s;
    list.push_back(std::move(itself));
  }
  list.push_back(std::move(uplink));
  list.push_back(std::move(gathered));
}

}  // namespace simpul::congestion
