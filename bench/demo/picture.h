#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace simpul::demo {

// A colour as video carries it: BT.601, luma 16 to 235, chroma around 128.
struct Colour {
  uint8_t y = 16;
  uint8_t u = 128;
  uint8_t v = 128;

  static Colour rgb(uint32_t hex);
};

struct Rectangle {
  int left = 0;
  int top = 0;
  int width = 0;
  int height = 0;
};

// Centre and outer radius in pixels. `thickness` is that of a ring; a disc has its radius.
struct Ring {
  double x = 0;
  double y = 0;
  double radius = 0;
  double thickness = 0;
};

// A picture in I420: a plane of luma, and two of chroma at half its width and height. Whatever is
// drawn is cut off at the edges. `opacity` is 0 to 1.
class Picture {
 public:
  // Both even.
  Picture(int width, int height);

  int width() const { return width_; }
  int height() const { return height_; }
  MutableBytes luma() { return y_; }
  MutableBytes chroma_u() { return u_; }
  MutableBytes chroma_v() { return v_; }
  Bytes luma() const { return y_; }
  Bytes chroma_u() const { return u_; }
  Bytes chroma_v() const { return v_; }

  void fill(const Rectangle& area, Colour colour);
  void draw_ring(const Ring& ring, Colour colour, double opacity = 1);
  void draw_disc(double x, double y, double radius, Colour colour, double opacity = 1) {
    draw_ring({x, y, radius, radius}, colour, opacity);
  }
  // In a font of 5 by 7 dots, `scale` pixels each, from the top left corner on. What the font does
  // not have is left blank.
  void draw_text(int left, int top, int scale, std::string_view text, Colour colour);

 private:
  int width_;
  int height_;
  std::vector<uint8_t> y_;
  std::vector<uint8_t> u_;
  std::vector<uint8_t> v_;
};

// How wide draw_text() makes it.
int text_width(std::string_view text, int scale);

}  // namespace simpul::demo
