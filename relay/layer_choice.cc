#include "relay/layer_choice.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "relay/layer_target.h"

namespace simpul::relay {
namespace {

// The rank that the choice asks for, of `count` > 0 layers.
size_t rank_of(LayerChoice choice, size_t count) {
  switch (choice) {
    case LayerChoice::kLow:
      return 0;
    case LayerChoice::kMid:
      return (count - 1) / 2;
    case LayerChoice::kHigh:
    case LayerChoice::kHighest:
      return count - 1;
  }
  return count - 1;
}

using Order = std::array<uint8_t, kLayersMax>;

// The layers whose size is known, sorted among the places that they have in the offer.
Order order_by_size(std::span<const LayerView> layers) {
  Order order{};
  for (size_t i = 0; i < layers.size(); ++i) order[i] = static_cast<uint8_t>(i);
  for (size_t low = 0; low < layers.size(); ++low) {
    for (size_t high = low + 1; high < layers.size(); ++high) {
      const uint32_t pixels = layers[order[high]].pixels;
      if (pixels > 0 && pixels < layers[order[low]].pixels) std::swap(order[low], order[high]);
    }
  }
  return order;
}

}  // namespace

std::optional<uint8_t> choose_layer(std::span<const LayerView> layers, LayerChoice choice) {
  const size_t count = std::min(layers.size(), kLayersMax);
  if (count == 0) return std::nullopt;
  const Order order = order_by_size(layers.first(count));
  const bool any_active = std::ranges::any_of(layers.first(count), &LayerView::active);
  const auto usable = [&](size_t rank) {
    const LayerView& layer = layers[order[rank]];
    return any_active ? layer.active : layer.seen;
  };
  const size_t wanted = rank_of(choice, count);
  for (size_t rank = wanted + 1; rank-- > 0;) {
    if (usable(rank)) return order[rank];
  }
  for (size_t rank = wanted + 1; rank < count; ++rank) {
    if (usable(rank)) return order[rank];
  }
  return std::nullopt;
}

uint8_t spatial_layer_for(uint8_t layers, LayerChoice choice) {
  const auto count = static_cast<size_t>(std::popcount(layers));
  if (count < 2) return LayerTarget::kAll;
  size_t rank = rank_of(choice, count);
  if (rank + 1 == count) return LayerTarget::kAll;
  uint8_t spatial = 0;
  for (; (layers >> spatial & 1) == 0 || rank-- > 0; ++spatial) continue;
  return spatial;
}

}  // namespace simpul::relay
