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
  bool active = false;     // is being sent now
  bool seen = false;       // was ever sent
  uint32_t pixels = 0;     // of its last key frame; 0 when unknown
  bool suspended = false;  // is not sent now, and comes when somebody wants it
};

// Which of a track's layers (in the offer's order, kLayersMax at most) meets the choice: by size as
// far as that is known, else by the offer; low is the first, high the last, mid between them. One
// that cannot be had is stood in for by the nearest lower one that can, else the nearest higher.
// While none can, those that ever were sent count.
std::optional<uint8_t> choose_layer(std::span<const LayerView> layers, LayerChoice choice);

// What is shown until a suspended layer comes: what is carried, when it is smaller and still being
// sent, else the nearest lower one that is, else the nearest higher; nothing while none is.
std::optional<uint8_t> stand_in_for(std::span<const LayerView> layers, uint8_t layer,
                                    std::optional<uint8_t> carried);

// The spatial layer of one stream that meets the choice, of those that it has (one bit each); all
// for the highest, and where there is nothing to choose.
uint8_t spatial_layer_for(uint8_t layers, LayerChoice choice);

}  // namespace simpul::relay
