#include "bench/demo/test_picture.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>

#include "bench/demo/marker.h"

namespace simpul::demo {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;
constexpr double kDriftSeconds = 24;  // of the backdrop's colours, once around
// After so long everything has come back to where it was, and a double still counts microseconds.
constexpr int64_t kPeriodUs = 3600ll * 1'000'000;

constexpr int kLeft = 44;
constexpr double kCentreX = 482;
constexpr double kCentreY = 200;

struct Orbit {
  double radius;
  double seconds;  // once around; divides an hour
  double ball;
  uint32_t colour;
};
constexpr std::array<Orbit, 3> kOrbits = {
    {{46, 3, 9, 0x6ee7c8}, {82, -5, 12, 0x7ab8ff}, {118, 8, 15, 0xc3a6ff}}};

std::string two_digits(int64_t number) {
  return {static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
}

}  // namespace

TestPicture::TestPicture(int utc_offset_s)
    : utc_offset_s_(utc_offset_s), picture_(kWidth, kHeight) {}

const Picture& TestPicture::draw(int64_t unix_us) {
  const double seconds = static_cast<double>(unix_us % kPeriodUs) / 1e6;
  draw_backdrop(seconds);
  draw_orbits(seconds);
  draw_clock(unix_us);
  draw_marker(picture_, marker_counter(unix_us));
  return picture_;
}

// Dark at the top and a little lighter below, between two colours that drift along.
void TestPicture::draw_backdrop(double seconds) {
  const MutableBytes luma = picture_.luma();
  for (size_t y = 0; y < kHeight; ++y) {
    std::ranges::fill(luma.subspan(y * kWidth, kWidth),
                      static_cast<uint8_t>(27 + y * 24 / kHeight));
  }
  const double drift = kTurn * seconds / kDriftSeconds;
  std::array<double, kWidth / 2> across;
  for (size_t x = 0; x < across.size(); ++x) {
    across[x] = std::sin(drift + 2.2 * static_cast<double>(x) / across.size());
  }
  for (size_t y = 0; y < kHeight / 2; ++y) {
    const double down = std::cos(drift * 2 + 3.2 * static_cast<double>(y) / kHeight);
    const size_t row = y * across.size();
    for (size_t x = 0; x < across.size(); ++x) {
      picture_.chroma_u()[row + x] = static_cast<uint8_t>(142.5 + 5 * across[x] + 2 * down);
      picture_.chroma_v()[row + x] = static_cast<uint8_t>(120.5 + 6 * down - 3 * across[x]);
    }
  }
}

void TestPicture::draw_orbits(double seconds) {
  const Colour line = Colour::rgb(0x9db0c1);
  for (const Orbit& orbit : kOrbits) {
    picture_.draw_ring({kCentreX, kCentreY, orbit.radius, 1.5}, line, 0.3);
  }
  const double age = seconds - std::floor(seconds);
  picture_.draw_ring({kCentreX, kCentreY, 14 + 120 * std::sqrt(age), 3}, Colour::rgb(0xffd479),
                     0.7 * (1 - age) * (1 - age));
  picture_.draw_disc(kCentreX, kCentreY, 10 + 5 * std::exp(-6 * age), Colour::rgb(0xffd479));
  for (const Orbit& orbit : kOrbits) {
    const double angle = kTurn * seconds / orbit.seconds;
    const Colour colour = Colour::rgb(orbit.colour);
    const auto at = [&](double behind) {
      const double where = angle - std::copysign(behind, orbit.seconds);
      return std::array{kCentreX + orbit.radius * std::cos(where),
                        kCentreY + orbit.radius * std::sin(where)};
    };
    for (int i = 4; i > 0; --i) {
      const auto [x, y] = at(i * orbit.ball * 0.75 / orbit.radius);
      picture_.draw_disc(x, y, orbit.ball * (1 - 0.13 * i), colour, 0.3 - 0.055 * i);
    }
    const auto [x, y] = at(0);
    picture_.draw_disc(x, y, orbit.ball, colour);
    picture_.draw_disc(x - orbit.ball * 0.3, y - orbit.ball * 0.3, orbit.ball * 0.28,
                       Colour::rgb(0xffffff), 0.6);
  }
}

void TestPicture::draw_clock(int64_t unix_us) {
  const int64_t time = (unix_us / 1'000'000 + utc_offset_s_) % 86'400;
  const std::string clock =
      two_digits(time / 3600) + ":" + two_digits(time / 60 % 60) + ":" + two_digits(time % 60);
  picture_.draw_text(kLeft, 104, 4, "SIMPUL", Colour::rgb(0x6ee7c8));
  picture_.draw_text(kLeft, 164, 5, clock, Colour::rgb(0xf2f6f9));
  picture_.draw_text(kLeft, 226, 2, "640X360  VP8  OPUS", Colour::rgb(0x9db0c1));

  const int width = text_width(clock, 5);
  const auto gone = static_cast<int>(width * (unix_us % 1'000'000) / 1'000'000);
  picture_.fill({kLeft, 262, width, 6}, Colour::rgb(0x2b3a49));
  picture_.fill({kLeft, 262, gone, 6}, Colour::rgb(0x6ee7c8));
}

}  // namespace simpul::demo
