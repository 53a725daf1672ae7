#include "bench/load/svg_plot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace simpul::load {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(SvgPlot, HasRoundStepsThatReachTheLargestValue) {
  EXPECT_THAT(round_steps(10), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(round_steps(97), ElementsAre(0, 20, 40, 60, 80, 100));
  EXPECT_THAT(round_steps(1.2), ElementsAre(0, 0.25, 0.5, 0.75, 1, 1.25));
  for (const double most : {0.0, 1e-12, 0.3, 7.0, 1e9}) {
    EXPECT_GE(round_steps(most).back(), most);
    EXPECT_LE(round_steps(most).size(), 7u);
    EXPECT_GE(round_steps(most).size(), 2u);
  }
}

TEST(SvgPlot, WritesNumbersAsPeopleDo) {
  EXPECT_EQ(short_text(0), "0");
  EXPECT_EQ(short_text(2.5), "2.5");
  EXPECT_EQ(short_text(9999), "9999");
  EXPECT_EQ(short_text(29'000), "29k");
  EXPECT_EQ(short_text(1'200'000), "1.2M");
}

TEST(SvgPlot, DrawsALineFromItsFirstToItsLastPoint) {
  const std::string svg =
      to_svg({.unit_x = "s", .unit_y = "ms", .lines = {{"median", {{0, 0}, {10, 5}}}}});
  // From the corner of the axes to the opposite one: 5 is a round number.
  EXPECT_THAT(svg, HasSubstr("class=\"line line-1\" d=\"M52.0 216.0L618.0 26.0\""));
  EXPECT_THAT(svg, HasSubstr(">median<"));
}

TEST(SvgPlot, LeavesAGapWhereNothingIsKnown) {
  const auto drawn = [](std::vector<std::pair<double, std::optional<double>>> points) {
    return to_svg({.unit_x = "s", .unit_y = "ms", .lines = {{"a", std::move(points)}}});
  };
  EXPECT_THAT(drawn({{0, 0}, {1, 5}, {2, {}}, {3, 5}, {4, 0}}),
              HasSubstr("d=\"M52.0 216.0L193.5 26.0M476.5 26.0L618.0 216.0\""));
  EXPECT_THAT(drawn({{0, 0}, {2, {}}, {3, 5}, {4, {}}}),
              HasSubstr("d=\"M52.0 216.0h1M476.5 26.0h1\""));
  EXPECT_THAT(drawn({{0, {}}, {1, {}}}), Not(HasSubstr("line-1\" d=\"\"")));
}

TEST(SvgPlot, HasAllDecadesOfALogarithmicAxis) {
  const std::string svg = to_svg({.unit_x = "ms",
                                  .unit_y = "%",
                                  .lines = {{"a", {{0.5, 0}, {40, 100}}}},
                                  .logarithmic_x = true});
  for (const char* step : {">0.1<", ">1<", ">10<", ">100<"}) EXPECT_THAT(svg, HasSubstr(step));
}

TEST(SvgPlot, ThinsLongLinesAndKeepsTheirPeaks) {
  Plot::Line line{.name = "long", .points = {}};
  for (int i = 0; i < 10'000; ++i) line.points.emplace_back(i, i == 5'001 ? 50 : 1);
  const std::string svg = to_svg({.unit_x = "s", .unit_y = "", .lines = {line}});
  EXPECT_LT(svg.size(), 20'000u);
  EXPECT_THAT(svg, HasSubstr(" 26.0L"));  // the peak is at the top
}

TEST(SvgPlot, SurvivesHavingNothingToDrawAndStrangeNames) {
  EXPECT_THAT(to_svg({.unit_x = "s", .unit_y = "", .lines = {}}), HasSubstr("</svg>"));
  EXPECT_THAT(to_svg({.unit_x = "s", .unit_y = "", .lines = {}, .logarithmic_x = true}),
              HasSubstr("</svg>"));
  const std::string svg =
      to_svg({.unit_x = "s", .unit_y = "", .lines = {{"<b>", {{1, 1}}}}, .bands = {{"\"&", 0, 1}}});
  EXPECT_THAT(svg, HasSubstr("&lt;b&gt;"));
  EXPECT_THAT(svg, HasSubstr("&quot;&amp;"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

}  // namespace
}  // namespace simpul::load
