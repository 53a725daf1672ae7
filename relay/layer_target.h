#pragma once

#include <cstdint>

namespace simpul::relay {

// What of a track a slot is to carry: one encoding (its place in the offer), and of that the
// spatial and temporal layers up to these. A stream that has no such layers goes as it is.
struct LayerTarget {
  static constexpr uint8_t kAll = 7;  // the highest number that any stream has

  uint8_t encoding = 0;
  uint8_t spatial = kAll;
  uint8_t temporal = kAll;

  bool has_all() const { return spatial >= kAll && temporal >= kAll; }
  friend bool operator==(const LayerTarget&, const LayerTarget&) = default;
};

}  // namespace simpul::relay
