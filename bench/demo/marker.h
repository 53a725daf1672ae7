#pragma once

#include <array>
#include <cstdint>

#include "bench/demo/picture.h"

namespace simpul::demo {

// The number in the top strip of a picture by which the page tells a picture's age. Its format is
// the page's own: web/src/marker.ts.
inline constexpr int kMarkerCells = 32;
inline constexpr int64_t kMarkerFramesPerSecond = 30;
inline constexpr uint32_t kMarkerModulus = 1u << 20;

// The counter of the moment: 30 a second since 1970.
uint32_t marker_counter(int64_t unix_us);
// When the first moment of the next counter is.
int64_t next_marker_unix_us(int64_t unix_us);

std::array<bool, kMarkerCells> marker_cells(uint32_t counter);
int marker_height(const Picture& picture);
void draw_marker(Picture& picture, uint32_t counter);

}  // namespace simpul::demo
