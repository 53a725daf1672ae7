#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "relay/allocation.h"

namespace simpul::relay {

// One layer that a slot may climb to.
struct Rung {
  double bps;
  double value;  // to who watches, beside that of other slots
  uint8_t option;
};

// The layers that are of use in one slot, each of more bits and more value than the one below: what
// is not to be had, larger than wanted, or worse than a cheaper one is left out.
struct Ladder {
  std::array<Rung, kLayerOptionsMax> rungs;
  uint8_t count = 0;

  std::span<const Rung> steps() const { return std::span(rungs).first(count); }
  // The highest rung that costs no more; nothing when the first one does.
  std::optional<uint8_t> rung_within(double bps) const;
};

// Writes the ladder of one slot.
void build_ladder(const SlotDemand& demand, Ladder& ladder);

// Of a layer, or what its bitrate lets expect while its size is unknown.
double pixels_of(const LayerOption& option);
// The pixels of the largest layer that is of use: the smallest that about covers what is wanted.
double pixels_max(const SlotDemand& demand);

inline constexpr int kNoRung = -1;
// The rung on which each slot stands.
using Standing = std::array<int, kSlotsMax>;

double cost_of(std::span<const Ladder> ladders, const Standing& standing);
double value_of(std::span<const Ladder> ladders, const Standing& standing);

struct Step {
  uint8_t slot = 0;
  uint8_t rung = 0;
};

// Climbs step by step, that of most value for a bit first, for as long as the sum stays within the
// budget; slots without a rung stay without, and nobody climbs above `highest`. More budget never
// gives less value. The first step that did not fit, or nothing when all were taken. O(n log n).
std::optional<Step> climb(std::span<const Ladder> ladders, const Standing& highest, double budget,
                          Standing& standing);

}  // namespace simpul::relay
