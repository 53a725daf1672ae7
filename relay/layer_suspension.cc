#include "relay/layer_suspension.h"

#include <algorithm>

namespace simpul::relay {

bool LayerSuspension::decide(std::span<const Layer> layers, std::optional<uint8_t> lowest,
                             TimePoint now) {
  bool changed = false;
  for (size_t i = 0; i < std::min(layers.size(), states_.size()); ++i) {
    changed |= decide(states_[i], layers[i], lowest == i, now);
  }
  return changed;
}

bool LayerSuspension::decide(State& state, const Layer& layer, bool is_lowest, TimePoint now) {
  const bool is_needed = layer.wanted || is_lowest;
  if (now >= state.awaited_until) state.awaited_until = kNever;
  if (state.suspended) {
    if (!is_needed) return false;
    state = {.suspended = false, .idle_since = kNever, .awaited_until = now + kResumedWithin};
    return true;
  }
  if (is_needed || !layer.active) {
    state.idle_since = kNever;
    return false;
  }
  state.idle_since = std::min(state.idle_since, now);
  if (now - state.idle_since < kGrace) return false;
  state = {.suspended = true, .idle_since = kNever, .awaited_until = kNever};
  return true;
}

TimePoint LayerSuspension::next_deadline() const {
  TimePoint next = kNever;
  for (const State& state : states_) {
    if (state.idle_since != kNever) next = std::min(next, state.idle_since + kGrace);
    next = std::min(next, state.awaited_until);
  }
  return next;
}

}  // namespace simpul::relay
