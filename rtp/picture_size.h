#pragma once

#include <array>
#include <cstdint>

namespace simpul::rtp {

struct PictureSize {
  uint16_t width = 0;  // 0: not told
  uint16_t height = 0;

  friend bool operator==(const PictureSize&, const PictureSize&) = default;
};

// Of each spatial layer of a stream.
using SpatialSizes = std::array<PictureSize, 8>;

}  // namespace simpul::rtp
