#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "relay/relay.h"
#include "rtp/layer_info.h"
#include "rtp/rate_meter.h"

namespace simpul::relay {

// What each choice of spatial and temporal layers of one stream costs, by what came of it in the
// last second. Streams without layers have no choices, and take no memory here.
class LayerMeters {
 public:
  // Pairs of a spatial and a temporal layer that are told apart; more are not counted.
  static constexpr size_t kCellsMax = 16;

  // A packet that came; `size` is its payload's. True when it brought a spatial layer that was not
  // there before.
  bool add(const rtp::LayerInfo& layers, size_t size, TimePoint now);
  void clear() {
    cells_.clear();
    spatial_layers_ = 0;
  }

  // Those that came, a bit each.
  uint8_t spatial_layers() const { return spatial_layers_; }
  // By spatial, then temporal layer; each with all that leaves when it is chosen. Empty when there
  // is nothing to choose.
  std::vector<LayerOptionState> states(TimePoint now) const;

 private:
  struct Cell {
    uint8_t spatial = 0;
    uint8_t temporal = 0;
    rtp::RateMeter bits;
    rtp::RateMeter bits_used_above;  // of them, what higher spatial layers need
    rtp::RateMeter frames;           // a byte each
  };

  Cell* cell_of(const rtp::LayerInfo& layers);

  std::vector<Cell> cells_;  // sorted
  uint8_t spatial_layers_ = 0;
};

}  // namespace simpul::relay
