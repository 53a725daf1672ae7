#include "relay/layer_meters.h"

#include <algorithm>
#include <tuple>

namespace simpul::relay {

bool LayerMeters::add(const rtp::LayerInfo& layers, size_t size, TimePoint now) {
  using enum rtp::Layering;
  if (layers.layering == kNone || layers.layering == kUnknown) return false;
  Cell* cell = cell_of(layers);
  if (cell == nullptr) return false;
  cell->bits.add(size, now);
  if (layers.used_above) cell->bits_used_above.add(size, now);
  if (layers.starts_frame) cell->frames.add(1, now);
  const auto bit = static_cast<uint8_t>(1u << layers.spatial % 8);
  const bool is_new = (spatial_layers_ & bit) == 0;
  spatial_layers_ |= bit;
  return is_new;
}

LayerMeters::Cell* LayerMeters::cell_of(const rtp::LayerInfo& layers) {
  const auto place = [](const auto& one) { return std::tuple(one.spatial, one.temporal); };
  const auto found = std::ranges::lower_bound(cells_, place(layers), {}, place);
  if (found != cells_.end() && place(*found) == place(layers)) return &*found;
  if (cells_.size() == kCellsMax) return nullptr;
  return &*cells_.insert(found, {.spatial = layers.spatial,
                                 .temporal = layers.temporal,
                                 .bits = {},
                                 .bits_used_above = {},
                                 .frames = {}});
}

std::vector<LayerOptionState> LayerMeters::states(TimePoint now) const {
  std::vector<LayerOptionState> states;
  if (cells_.size() < 2) return states;
  for (const Cell& top : cells_) {
    LayerOptionState& state = states.emplace_back();
    state.spatial = top.spatial;
    state.temporal = top.temporal;
    for (const Cell& cell : cells_) {
      if (cell.temporal > top.temporal || cell.spatial > top.spatial) continue;
      const bool is_own = cell.spatial == top.spatial;
      const auto& bits = is_own ? cell.bits : cell.bits_used_above;
      state.bitrate_bps += bits.bits_per_second(now);
      if (!is_own) continue;
      state.frames_per_second += static_cast<double>(cell.frames.bits_per_second(now)) / 8;
    }
    state.active = top.bits.bits_per_second(now) > 0;
  }
  return states;
}

}  // namespace simpul::relay
