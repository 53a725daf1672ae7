#pragma once

#include <cstdint>

#include "bench/demo/picture.h"

namespace simpul::demo {

// Draws the moving picture: balls on their orbits, a wave at every full second (when the chime
// sounds), the clock, and the marker at the top. The same time gives the same picture.
class TestPicture {
 public:
  static constexpr int kWidth = 640;
  static constexpr int kHeight = 360;

  // `utc_offset_s` is added for the clock.
  explicit TestPicture(int utc_offset_s);

  const Picture& draw(int64_t unix_us);

 private:
  void draw_backdrop(double seconds);
  void draw_orbits(double seconds);
  void draw_clock(int64_t unix_us);

  int utc_offset_s_;
  Picture picture_;
};

}  // namespace simpul::demo
