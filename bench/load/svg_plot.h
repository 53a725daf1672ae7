#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace simpul::load {

// A diagram of lines over an axis, as SVG text to be put into a page, which has the colours: the
// classes line-1 to line-6, band, bar, grid, label.
struct Plot {
  struct Line {
    std::string name;
    // Where nothing is known of a value, the line has a gap.
    std::vector<std::pair<double, std::optional<double>>> points;
    bool dashed = false;
    std::optional<size_t> colour = {};  // without: its place among the lines
  };
  // A stretch of the horizontal axis, with its name above.
  struct Band {
    std::string name;
    double from = 0;
    double to = 0;
  };
  std::string unit_x;
  std::string unit_y;
  std::vector<Line> lines;
  std::vector<Band> bands = {};
  bool logarithmic_x = false;
  double y_min_top = 0;  // the vertical axis reaches up to there at least
};

std::string to_svg(const Plot& plot);

// Steps of an axis: 0, and round numbers up to the first that is not below `most`.
std::vector<double> round_steps(double most);
// As people write it: 1,200,000 is 1.2M.
std::string short_text(double value);

std::string html_escaped(const std::string& text);

}  // namespace simpul::load
