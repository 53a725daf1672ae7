#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "relay/relay.h"

namespace simpul::relay {

inline constexpr size_t kLayersMax = 8;

// What choose_layer() knows of one layer.
struct LayerView {
  bool active = false;  // is being sent now
  bool seen = false;    // was ever sent
  uint32_t pixels = 0;  // of its last key frame; 0 when unknown
};

// Which of a track's layers (in the offer's order, kLayersMax at most) meets the choice: by size as
// far as that is known, else by the offer; low is the first, high the last, mid between them. One
// that is not being sent is stood in for by the nearest lower one that is, else the nearest higher.
// While none is sent, those that ever were count as sent.
std::optional<uint8_t> choose_layer(std::span<const LayerView> layers, LayerChoice choice);

// The spatial layer of one stream that meets the choice, of those that it has (one bit each); all
// for the highest, and where there is nothing to choose.
uint8_t spatial_layer_for(uint8_t layers, LayerChoice choice);

}  // namespace simpul::relay
