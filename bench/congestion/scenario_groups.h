#pragma once

#include <vector>

#include "bench/congestion/scenarios.h"

// What scenarios() is made of.
namespace simpul::congestion {

PathProfile varying(std::vector<PathProfile::Step> capacity);
PathProfile constant(double bps);
// One who comes later, or from further away.
FlowProfile at(Duration start, Duration one_way = std::chrono::milliseconds(50));
FlowProfile layered(std::vector<double> layers, size_t slots = 1);

// Those whose senders fill what they may.
void append_rfc8867(std::vector<Scenario>& list);
void append_others_on_the_path(std::vector<Scenario>& list);
void append_drops(std::vector<Scenario>& list);
void append_losses(std::vector<Scenario>& list);
void append_bad_paths(std::vector<Scenario>& list);

// Those with layers; some are the same as those above, which have to be in the list.
void append_layers(std::vector<Scenario>& list);
void append_lossy_layers(std::vector<Scenario>& list);
void append_bad_paths_of_layers(std::vector<Scenario>& list);

}  // namespace simpul::congestion
