#include "bench/demo/marker.h"

#include <gtest/gtest.h>

#include <string>

namespace simpul::demo {
namespace {

std::string text(const std::array<bool, kMarkerCells>& cells) {
  std::string digits;
  for (const bool white : cells) digits += white ? '1' : '0';
  return digits;
}

// The expected cells are those that web/src/marker.ts gives.
TEST(Marker, HasTheCellsThatThePageReads) {
  EXPECT_EQ(text(marker_cells(0)), "10000000000000000000000101101001");
  EXPECT_EQ(text(marker_cells(1)), "10000000000000000000010101110101");
  EXPECT_EQ(text(marker_cells(693'251)), "10101010010100000000110110000101");
  EXPECT_EQ(text(marker_cells(1'048'575)), "10111111111111111111110011100101");
}

TEST(Marker, CountsThirtyASecondAsThePageDoes) {
  EXPECT_EQ(marker_counter(1'763'778'000'123'000), 97'891u);
  EXPECT_EQ(marker_counter(1'763'778'000'167'000), 97'893u);
}

TEST(Marker, TheCounterWrapsInItsCells) {
  EXPECT_EQ(marker_cells(kMarkerModulus + 5), marker_cells(5));
}

TEST(Marker, TheNextCounterBeginsWhereItSays) {
  for (const int64_t now : {int64_t{0}, int64_t{33'333}, int64_t{1'763'778'000'123'456}}) {
    const int64_t next = next_marker_unix_us(now);
    EXPECT_EQ(marker_counter(next - 1), marker_counter(now));
    EXPECT_EQ(marker_counter(next), marker_counter(now) + 1);
  }
}

TEST(Marker, IsDrawnOverTheWholeWidthOfTheTop) {
  Picture picture(640, 360);
  picture.fill({0, 0, 640, 360}, {.y = 100, .u = 90, .v = 200});
  draw_marker(picture, 693'251);
  ASSERT_EQ(marker_height(picture), 32);
  const auto cells = marker_cells(693'251);
  for (size_t i = 0; i < cells.size(); ++i) {
    for (const size_t x : {i * 20, i * 20 + 19}) {
      EXPECT_EQ(picture.luma()[x], cells[i] ? 235 : 16) << i;
      EXPECT_EQ(picture.luma()[31 * 640 + x], cells[i] ? 235 : 16) << i;
      EXPECT_EQ(picture.luma()[32 * 640 + x], 100) << i;
    }
  }
}

}  // namespace
}  // namespace simpul::demo
