#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "relay/layer_choice.h"

namespace simpul::relay {

// Decides which layers of one track its publisher need not send: those that nobody has watched or
// waited for in a while, on whichever worker. The lowest is always sent, so that whoever joins has
// a picture at once. Nothing depends on the publisher's doing so: a layer that comes all the same
// is one that is being sent.
class LayerSuspension {
 public:
  // Of a layer that is being sent and that nobody wants: people come, go and change their minds.
  static constexpr Duration kGrace = std::chrono::seconds(5);
  // A layer that was asked for again and has not come by then counts as one that is not sent.
  static constexpr Duration kResumedWithin = std::chrono::seconds(5);

  struct Layer {
    bool active = false;  // is being sent now
    bool wanted = false;  // somebody watches it, or waits for it
  };

  // True when the publisher is to be told something else than before.
  bool decide(std::span<const Layer> layers, std::optional<uint8_t> lowest, TimePoint now);
  // When decide() has more to do although nothing has changed; kNever when it has not.
  TimePoint next_deadline() const;

  // The publisher is told not to send it.
  bool is_suspended(uint8_t layer) const { return states_[layer].suspended; }
  // It comes when somebody wants it, or comes soon because somebody does.
  bool is_to_be_had(uint8_t layer) const {
    return states_[layer].suspended || states_[layer].awaited_until != kNever;
  }

 private:
  struct State {
    bool suspended = false;
    TimePoint idle_since = kNever;     // sent, and wanted by nobody
    TimePoint awaited_until = kNever;  // asked for again
  };

  static bool decide(State& state, const Layer& layer, bool is_lowest, TimePoint now);

  std::array<State, kLayersMax> states_{};
};

}  // namespace simpul::relay
