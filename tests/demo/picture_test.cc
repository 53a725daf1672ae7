#include "bench/demo/picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "bench/demo/test_picture.h"

namespace simpul::demo {
namespace {

using ::testing::Each;

constexpr Colour kWhite{.y = 235, .u = 128, .v = 128};

size_t lit(const Picture& picture) {
  return static_cast<size_t>(std::ranges::count_if(picture.luma(), [](int y) { return y > 16; }));
}

TEST(Picture, ColoursAreThoseOfVideo) {
  const Colour black = Colour::rgb(0x000000);
  EXPECT_EQ(black.y, 16);
  EXPECT_EQ(black.u, 128);
  const Colour white = Colour::rgb(0xffffff);
  EXPECT_EQ(white.y, 235);
  EXPECT_EQ(white.v, 128);
  const Colour red = Colour::rgb(0xff0000);
  EXPECT_EQ(red.y, 81);
  EXPECT_EQ(red.u, 90);
  EXPECT_EQ(red.v, 240);
}

TEST(Picture, FillsARectangleInAllPlanes) {
  Picture picture(8, 4);
  picture.fill({2, 0, 4, 2}, {.y = 50, .u = 60, .v = 70});
  EXPECT_EQ(lit(picture), 8u);
  EXPECT_EQ(picture.luma()[2], 50);
  EXPECT_EQ(picture.luma()[1], 16);
  EXPECT_EQ(picture.chroma_u()[1], 60);
  EXPECT_EQ(picture.chroma_v()[2], 70);
  EXPECT_EQ(picture.chroma_v()[3], 128);
}

TEST(Picture, WhatIsOutsideIsCutOff) {
  Picture picture(64, 32);
  picture.fill({-100, -100, 90, 90}, kWhite);
  picture.fill({64, 0, 10, 10}, kWhite);
  picture.draw_disc(-20, -20, 10, kWhite);
  picture.draw_disc(100, 1e9, 10, kWhite);
  picture.draw_text(-500, 3, 4, "SIMPUL", kWhite);
  picture.draw_text(3, 400, 4, "12:34", kWhite);
  EXPECT_THAT(picture.luma(), Each(16));
}

TEST(Picture, WhatIsPartlyOutsideIsDrawnWithinTheEdges) {
  Picture picture(64, 32);
  picture.fill({-10, -10, 12, 12}, kWhite);
  EXPECT_EQ(lit(picture), 4u);
  picture.draw_disc(64, 32, 20, kWhite);
  picture.draw_ring({0, 32, 10, 2}, kWhite);
  picture.draw_text(50, 28, 5, "0", kWhite);
  picture.fill({-5, -5, 1000, 1000}, kWhite);
  EXPECT_THAT(picture.luma(), Each(235));
}

TEST(Picture, ADiscIsRoundAndARingIsHollow) {
  Picture disc(64, 64);
  disc.draw_disc(32, 32, 20, kWhite);
  EXPECT_NEAR(static_cast<double>(lit(disc)), 3.1416 * 20.5 * 20.5, 40);
  Picture ring(64, 64);
  ring.draw_ring({32, 32, 20, 3}, kWhite);
  EXPECT_EQ(ring.luma()[32 * 64 + 32], 16);
  EXPECT_EQ(ring.luma()[32 * 64 + 50], 235);
}

TEST(Picture, TextHasTheDotsOfItsFont) {
  Picture picture(64, 32);
  picture.draw_text(2, 2, 1, "1?:", kWhite);
  EXPECT_EQ(lit(picture), 10u + 0 + 4);
  EXPECT_EQ(text_width("1?:", 1), 17);
}

TEST(TestPicture, MovesAndIsTheSameAtTheSameTime) {
  TestPicture first(0);
  TestPicture second(0);
  const Picture& picture = first.draw(1'763'778'000'123'456);
  const Bytes then = second.draw(1'763'778'000'123'456).luma();
  EXPECT_TRUE(std::ranges::equal(picture.luma(), then));
  first.draw(1'763'778'000'156'789);
  EXPECT_FALSE(std::ranges::equal(picture.luma(), then));
}

TEST(TestPicture, TheClockIsThatOfItsZone) {
  // All else comes back to where it was after an hour.
  constexpr int64_t kHour = 3600ll * 1'000'000;
  const auto clock_rows = [](int zone_hours, int64_t unix_us) {
    TestPicture drawn(zone_hours * 3600);
    const Bytes luma = drawn.draw(unix_us).luma();
    return std::vector<uint8_t>(luma.begin() + 160 * 640, luma.begin() + 205 * 640);
  };
  EXPECT_EQ(clock_rows(0, 12 * kHour), clock_rows(2, 10 * kHour));
  EXPECT_NE(clock_rows(0, 12 * kHour), clock_rows(2, 12 * kHour));
}

}  // namespace
}  // namespace simpul::demo
