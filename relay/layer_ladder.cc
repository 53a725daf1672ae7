#include "relay/layer_ladder.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/uninitialized.h"

namespace simpul::relay {
namespace {

// A layer a little smaller than it is shown covers it: nobody sees a twentieth of each side.
constexpr double kCovered = 0.9;
constexpr double kBitsPerPixel = 3.0;  // a second, where only one of both is known
constexpr double kFramesPerSecond = 30.0;
// What a picture is worth that does not move: of one of thirty frames a second.
constexpr double kStillValue = 0.4;
// Where a quarter of the pixels are shown it is worth half of what endless ones were.
constexpr double kHalfValueShare = 0.25;

bool is_obtainable(const LayerOption& option) {
  return option.supply != LayerSupply::kAbsent && option.is_allowed;
}

double bps_of(const LayerOption& option) {
  if (option.bitrate_bps > 0) return static_cast<double>(option.bitrate_bps);
  return kBitsPerPixel * static_cast<double>(uint32_t{option.width} * option.height);
}

// Grows ever more slowly with the pixels that are seen, and somewhat with the frames.
double quality(const LayerOption& option, double shown, double tile) {
  const double frames = option.frames_per_second > 0
                            ? std::min(option.frames_per_second / kFramesPerSecond, 1.0)
                            : 1.0;
  const double seen = std::min(shown, tile) * (kStillValue + (1 - kStillValue) * frames);
  return seen / (seen + kHalfValueShare * tile);
}

// Where the slot goes next from `from`: to the rung of most value for each bit more.
struct Attempt {
  double value_per_bit;
  uint8_t slot;
  uint8_t rung;
  int end;  // what lies from here up did not fit, or may not be taken
};

// The heap gives the best first; of equal ones that of the first slot.
bool is_worse(const Attempt& a, const Attempt& b) {
  if (a.value_per_bit != b.value_per_bit) return a.value_per_bit < b.value_per_bit;
  return a.slot > b.slot;
}

// False when there is none.
bool find_best(const Ladder& ladder, int from, Attempt& best) {
  const Rung& here = ladder.rungs[static_cast<size_t>(from)];
  bool found = false;
  for (int rung = from + 1; rung < best.end; ++rung) {
    const Rung& there = ladder.rungs[static_cast<size_t>(rung)];
    const double value_per_bit = (there.value - here.value) / (there.bps - here.bps);
    if (found && value_per_bit <= best.value_per_bit) continue;
    found = true;
    best.value_per_bit = value_per_bit;
    best.rung = static_cast<uint8_t>(rung);
  }
  return found;
}

}  // namespace

double pixels_of(const LayerOption& option) {
  if (option.width > 0) return static_cast<double>(uint32_t{option.width} * option.height);
  return static_cast<double>(option.bitrate_bps) / kBitsPerPixel;
}

double pixels_max(const SlotDemand& demand) {
  double largest = 0;
  std::optional<double> covering;
  for (const LayerOption& option : demand.options) {
    if (!is_obtainable(option)) continue;
    const double pixels = pixels_of(option);
    largest = std::max(largest, pixels);
    if (!demand.wanted_pixels || pixels < kCovered * *demand.wanted_pixels) continue;
    covering = covering ? std::min(*covering, pixels) : pixels;
  }
  return covering.value_or(largest);
}

std::optional<uint8_t> Ladder::rung_within(double bps) const {
  std::optional<uint8_t> found;
  for (uint8_t rung = 0; rung < count && rungs[rung].bps <= bps; ++rung) found = rung;
  return found;
}

void build_ladder(const SlotDemand& demand, Ladder& ladder) {
  ladder.count = 0;
  const size_t count = std::min(demand.options.size(), kLayerOptionsMax);
  const double largest =
      pixels_max({.options = demand.options.first(count), .wanted_pixels = demand.wanted_pixels});
  const double tile =
      std::max(std::min<double>(demand.wanted_pixels.value_or(largest), largest), 1.0);
  const double weight = std::max<int>(demand.priority, 1) * std::sqrt(tile);
  for (size_t i = 0; i < count; ++i) {
    const LayerOption& option = demand.options[i];
    const double pixels = pixels_of(option);
    if (!is_obtainable(option) || pixels > largest) continue;
    const Rung rung{.bps = bps_of(option),
                    .value = weight * quality(option, pixels, tile),
                    .option = static_cast<uint8_t>(i)};
    size_t place = ladder.count++;
    const auto comes_before = [&](const Rung& other) {
      if (rung.bps != other.bps) return rung.bps < other.bps;
      if (rung.value != other.value) return rung.value > other.value;
      const LayerId& id = demand.options[other.option].id;
      return std::tie(option.id.encoding, option.id.spatial, option.id.temporal) <
             std::tie(id.encoding, id.spatial, id.temporal);
    };
    for (; place > 0 && comes_before(ladder.rungs[place - 1]); --place) {
      ladder.rungs[place] = ladder.rungs[place - 1];
    }
    ladder.rungs[place] = rung;
  }
  uint8_t kept = 0;
  for (uint8_t i = 0; i < ladder.count; ++i) {
    if (kept > 0 && (ladder.rungs[i].value <= ladder.rungs[kept - 1].value ||
                     ladder.rungs[i].bps <= ladder.rungs[kept - 1].bps)) {
      continue;
    }
    ladder.rungs[kept++] = ladder.rungs[i];
  }
  ladder.count = kept;
}

double cost_of(std::span<const Ladder> ladders, const Standing& standing) {
  double sum = 0;
  for (size_t slot = 0; slot < ladders.size(); ++slot) {
    if (standing[slot] >= 0) sum += ladders[slot].rungs[static_cast<size_t>(standing[slot])].bps;
  }
  return sum;
}

double value_of(std::span<const Ladder> ladders, const Standing& standing) {
  double sum = 0;
  for (size_t slot = 0; slot < ladders.size(); ++slot) {
    if (standing[slot] >= 0) sum += ladders[slot].rungs[static_cast<size_t>(standing[slot])].value;
  }
  return sum;
}

std::optional<Step> climb(std::span<const Ladder> ladders, const Standing& highest, double budget,
                          Standing& standing) {
  SIMPUL_UNINITIALIZED std::array<Attempt, kSlotsMax> heap;
  size_t count = 0;
  const auto push = [&](size_t slot, int end) {
    Attempt attempt{.value_per_bit = 0, .slot = static_cast<uint8_t>(slot), .rung = 0, .end = end};
    if (!find_best(ladders[slot], standing[slot], attempt)) return;
    heap[count++] = attempt;
    std::push_heap(heap.data(), heap.data() + count, is_worse);
  };
  for (size_t slot = 0; slot < ladders.size(); ++slot) {
    if (standing[slot] != kNoRung) push(slot, highest[slot] + 1);
  }
  double rest = budget - cost_of(ladders, standing);
  std::optional<Step> missed;
  while (count > 0) {
    std::pop_heap(heap.data(), heap.data() + count, is_worse);
    const Attempt best = heap[--count];
    const Ladder& ladder = ladders[best.slot];
    const double more =
        ladder.rungs[best.rung].bps - ladder.rungs[static_cast<size_t>(standing[best.slot])].bps;
    if (more > rest) {
      if (!missed) missed = Step{.slot = best.slot, .rung = best.rung};
      push(best.slot, best.rung);  // what is dearer than this fits even less
      continue;
    }
    rest -= more;
    standing[best.slot] = best.rung;
    push(best.slot, best.end);
  }
  return missed;
}

}  // namespace simpul::relay
