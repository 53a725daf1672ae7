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

// The layer at a rank, or else the next one below it, or above, that is usable.
template <class IsUsable>
std::optional<uint8_t> nearest(std::span<const uint8_t> order, size_t wanted, IsUsable is_usable) {
  for (size_t rank = wanted + 1; rank-- > 0;) {
    if (is_usable(order[rank])) return order[rank];
  }
  for (size_t rank = wanted + 1; rank < order.size(); ++rank) {
    if (is_usable(order[rank])) return order[rank];
  }
  return std::nullopt;
}

}  // namespace

std::optional<uint8_t> choose_layer(std::span<const LayerView> layers, LayerChoice choice) {
  const size_t count = std::min(layers.size(), kLayersMax);
  if (count == 0) return std::nullopt;
  const Order order = order_by_size(layers.first(count));
  // Of a publisher who sends nothing at all, nothing can be had either.
  const bool any = std::ranges::any_of(layers.first(count), &LayerView::active);
  return nearest(std::span(order).first(count), rank_of(choice, count), [&](uint8_t layer) {
    return any ? layers[layer].active || layers[layer].suspended : layers[layer].seen;
  });
}

std::optional<uint8_t> stand_in_for(std::span<const LayerView> layers, uint8_t layer,
                                    std::optional<uint8_t> carried) {
  const size_t count = std::min(layers.size(), kLayersMax);
  const Order order = order_by_size(layers.first(count));
  const auto ranks = std::span(order).first(count);
  const auto rank_in = [&](uint8_t which) { return std::ranges::find(ranks, which); };
  if (carried && layers[*carried].active && rank_in(*carried) < rank_in(layer)) return carried;
  return nearest(ranks, static_cast<size_t>(rank_in(layer) - ranks.begin()),
                 [&](uint8_t other) { return layers[other].active; });
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
