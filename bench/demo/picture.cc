#include "bench/demo/picture.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "bench/demo/font.h"

namespace simpul::demo {
namespace {

uint8_t to_byte(double value) { return static_cast<uint8_t>(std::lround(value)); }

// One plane, and how many pixels of the picture its samples are apart.
struct Plane {
  std::vector<uint8_t>& samples;
  int width;
  int height;
  int step;
};

void fill_plane(const Plane& plane, const Rectangle& area, uint8_t value) {
  const int left = std::clamp(area.left / plane.step, 0, plane.width);
  const int right = std::clamp((area.left + area.width) / plane.step, left, plane.width);
  const int top = std::clamp(area.top / plane.step, 0, plane.height);
  const int bottom = std::clamp((area.top + area.height) / plane.step, top, plane.height);
  for (int y = top; y < bottom; ++y) {
    std::fill_n(plane.samples.begin() + y * plane.width + left, right - left, value);
  }
}

// How much of a sample at this distance from the centre the ring covers; its edges are one pixel
// soft.
double coverage(const Ring& ring, double distance) {
  const double outside = std::clamp(ring.radius - distance + 0.5, 0.0, 1.0);
  if (ring.thickness >= ring.radius) return outside;
  return outside * std::clamp(distance - (ring.radius - ring.thickness) + 0.5, 0.0, 1.0);
}

void draw_ring_in_plane(const Plane& plane, const Ring& ring, uint8_t value, double opacity) {
  const auto index = [&plane](double at, int end) {
    return static_cast<int>(std::clamp(std::floor(at / plane.step), 0.0, static_cast<double>(end)));
  };
  const double reach = ring.radius + 1;
  const int right = index(ring.x + reach + plane.step, plane.width);
  const int bottom = index(ring.y + reach + plane.step, plane.height);
  for (int y = index(ring.y - reach, plane.height); y < bottom; ++y) {
    const double dy = (y + 0.5) * plane.step - ring.y;
    for (int x = index(ring.x - reach, plane.width); x < right; ++x) {
      const double dx = (x + 0.5) * plane.step - ring.x;
      const double distance_squared = dx * dx + dy * dy;
      if (distance_squared > reach * reach) continue;
      const double share = opacity * coverage(ring, std::sqrt(distance_squared));
      if (share <= 0) continue;
      uint8_t& sample = plane.samples[static_cast<size_t>(y) * static_cast<size_t>(plane.width) +
                                      static_cast<size_t>(x)];
      sample = to_byte(sample + (value - sample) * share);
    }
  }
}

}  // namespace

Colour Colour::rgb(uint32_t hex) {
  const double r = static_cast<double>(hex >> 16 & 255) / 255;
  const double g = static_cast<double>(hex >> 8 & 255) / 255;
  const double b = static_cast<double>(hex & 255) / 255;
  return {to_byte(16 + 65.481 * r + 128.553 * g + 24.966 * b),
          to_byte(128 - 37.797 * r - 74.203 * g + 112.0 * b),
          to_byte(128 + 112.0 * r - 93.786 * g - 18.214 * b)};
}

Picture::Picture(int width, int height)
    : width_(width),
      height_(height),
      y_(static_cast<size_t>(width * height), uint8_t{16}),
      u_(static_cast<size_t>(width * height / 4), uint8_t{128}),
      v_(static_cast<size_t>(width * height / 4), uint8_t{128}) {
  SIMPUL_CHECK(width % 2 == 0 && height % 2 == 0);
}

void Picture::fill(const Rectangle& area, Colour colour) {
  fill_plane({y_, width_, height_, 1}, area, colour.y);
  fill_plane({u_, width_ / 2, height_ / 2, 2}, area, colour.u);
  fill_plane({v_, width_ / 2, height_ / 2, 2}, area, colour.v);
}

void Picture::draw_ring(const Ring& ring, Colour colour, double opacity) {
  draw_ring_in_plane({y_, width_, height_, 1}, ring, colour.y, opacity);
  draw_ring_in_plane({u_, width_ / 2, height_ / 2, 2}, ring, colour.u, opacity);
  draw_ring_in_plane({v_, width_ / 2, height_ / 2, 2}, ring, colour.v, opacity);
}

void Picture::draw_text(int left, int top, int scale, std::string_view text, Colour colour) {
  for (const char character : text) {
    const Glyph& rows = glyph(character);
    for (int row = 0; row < kGlyphHeight; ++row) {
      for (int column = 0; column < kGlyphWidth; ++column) {
        if ((rows[static_cast<size_t>(row)] >> (kGlyphWidth - 1 - column) & 1) == 0) continue;
        const int x = left + column * scale;
        const int y = top + row * scale;
        // Round dots look like a display; small ones only look blurred.
        if (scale < 4) {
          fill({x, y, scale, scale}, colour);
        } else {
          draw_disc(x + scale / 2.0, y + scale / 2.0, scale * 0.52, colour);
        }
      }
    }
    left += (kGlyphWidth + 1) * scale;
  }
}

int text_width(std::string_view text, int scale) {
  return (static_cast<int>(text.size()) * (kGlyphWidth + 1) - 1) * scale;
}

}  // namespace simpul::demo
