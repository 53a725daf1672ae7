#include "bench/demo/marker.h"

#include <cmath>

namespace simpul::demo {
namespace {

constexpr double kStripShare = 16.0 / 180;
constexpr int kCounterBits = 20;
constexpr int64_t kSecond = 1'000'000;

uint8_t checksum(uint32_t counter) {
  uint32_t crc = 0;
  for (const uint32_t byte : {counter >> 16 & 255, counter >> 8 & 255, counter & 255}) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc << 1 ^ ((crc & 128) != 0 ? 7u : 0u)) & 255;
  }
  return static_cast<uint8_t>(crc ^ 0x5a);
}

}  // namespace

uint32_t marker_counter(int64_t unix_us) {
  return static_cast<uint32_t>(unix_us * kMarkerFramesPerSecond / kSecond % kMarkerModulus);
}

int64_t next_marker_unix_us(int64_t unix_us) {
  const int64_t next = unix_us * kMarkerFramesPerSecond / kSecond + 1;
  return (next * kSecond + kMarkerFramesPerSecond - 1) / kMarkerFramesPerSecond;
}

std::array<bool, kMarkerCells> marker_cells(uint32_t counter) {
  counter %= kMarkerModulus;
  std::array<bool, kMarkerCells> cells{};
  cells.front() = cells.back() = true;
  const uint32_t bits = counter << 8 | checksum(counter);
  for (size_t i = 0; i < kCounterBits + 8; ++i) cells[i + 2] = (bits >> (27 - i) & 1) != 0;
  return cells;
}

int marker_height(const Picture& picture) {
  return static_cast<int>(std::lround(picture.height() * kStripShare));
}

void draw_marker(Picture& picture, uint32_t counter) {
  const int height = marker_height(picture);
  const double cell = static_cast<double>(picture.width()) / kMarkerCells;
  picture.fill({0, 0, picture.width(), height}, Colour::rgb(0x000000));
  const auto cells = marker_cells(counter);
  for (size_t i = 0; i < cells.size(); ++i) {
    if (!cells[i]) continue;
    const int left = static_cast<int>(std::lround(static_cast<double>(i) * cell));
    const int right = static_cast<int>(std::lround(static_cast<double>(i + 1) * cell));
    picture.fill({left, 0, right - left, height}, Colour::rgb(0xffffff));
  }
}

}  // namespace simpul::demo
