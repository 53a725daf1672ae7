#include "bench/load/svg_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace simpul::load {
namespace {

constexpr double kWidth = 640;
constexpr double kPlotHeight = 190;
constexpr double kLeft = 52;
constexpr double kRight = 22;
constexpr double kTop = 26;
constexpr double kBottom = 34;
constexpr size_t kColours = 6;
constexpr double kStepsWanted = 5;
constexpr double kNarrowest = 1e-9;
constexpr double kLetterWidth = 6.5;
constexpr double kRowHeight = 14;
constexpr const char* kDot = "h1";  // a point that is alone would not be seen
constexpr size_t kPointsMax = 600;  // of a line; more than the picture has columns

std::string text_of(const char* pattern, double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), pattern, value);
  return text.data();
}

std::string coordinate(double value) { return text_of("%.1f", value); }

// Where the numbers of one axis are.
struct Axis {
  double from = 0;
  double to = 1;
  bool logarithmic = false;

  // 0 to 1.
  double at(double value) const {
    if (!logarithmic) return (value - from) / std::max(to - from, kNarrowest);
    const double low = std::log10(from);
    return (std::log10(std::max(value, from)) - low) / std::max(std::log10(to) - low, kNarrowest);
  }
};

class Picture {
 public:
  explicit Picture(const Plot& plot);
  std::string draw();

 private:
  double x(double value) const { return kLeft + x_.at(value) * (kWidth - kLeft - kRight); }
  double y(double value) const { return top_ + (1 - y_.at(value)) * kPlotHeight; }
  double bottom() const { return top_ + kPlotHeight; }
  void add_text(double at_x, double at_y, const char* anchor, const std::string& text);
  void add_grid();
  void place_bands();
  void add_bands();
  void add_line(const Plot::Line& line, size_t colour);
  void add_legend();

  struct PlacedBand {
    const Plot::Band* band;
    double from, to;
    size_t row;
  };

  const Plot& plot_;
  std::vector<PlacedBand> bands_;
  Axis x_;
  Axis y_;
  std::vector<double> x_steps_;
  std::vector<double> y_steps_;
  double top_ = kTop;  // below the names of the bands
  std::string svg_;
};

Picture::Picture(const Plot& plot) : plot_(plot) {
  double most_x = kNarrowest;
  double least_x = INFINITY;
  double most_y = plot.y_min_top;
  for (const Plot::Line& line : plot.lines) {
    for (const auto& [at, value] : line.points) {
      most_x = std::max(most_x, at);
      least_x = std::min(least_x, at);
      most_y = std::max(most_y, value.value_or(0));
    }
  }
  y_steps_ = round_steps(most_y);
  y_ = {.from = 0, .to = y_steps_.back()};
  if (!plot.logarithmic_x) {
    x_steps_ = round_steps(most_x);
    std::erase_if(x_steps_, [most_x](double step) { return step > most_x; });
    x_ = {.from = 0, .to = most_x};
    return;
  }
  const double low = std::floor(std::log10(std::max(std::min(least_x, most_x), kNarrowest)));
  const double high = std::max(std::ceil(std::log10(most_x)), low + 1);
  for (double power = low; power <= high; ++power) x_steps_.push_back(std::pow(10.0, power));
  x_ = {.from = x_steps_.front(), .to = x_steps_.back(), .logarithmic = true};
}

void Picture::add_text(double at_x, double at_y, const char* anchor, const std::string& text) {
  svg_ += "<text class=\"label\" x=\"" + coordinate(at_x) + "\" y=\"" + coordinate(at_y) +
          "\" text-anchor=\"" + anchor + "\">" + html_escaped(text) + "</text>\n";
}

void Picture::add_grid() {
  for (const double step : y_steps_) {
    svg_ += "<path class=\"grid\" d=\"M" + coordinate(kLeft) + ' ' + coordinate(y(step)) + 'H' +
            coordinate(kWidth - kRight) + "\"/>\n";
    add_text(kLeft - 6, y(step) + 4, "end", short_text(step));
  }
  for (const double step : x_steps_) {
    if (plot_.logarithmic_x) {
      svg_ += "<path class=\"grid\" d=\"M" + coordinate(x(step)) + ' ' + coordinate(top_) + 'V' +
              coordinate(bottom()) + "\"/>\n";
    }
    add_text(x(step), bottom() + 15, "middle", short_text(step));
  }
  add_text(kWidth - kRight, bottom() + kBottom - 4, "end", plot_.unit_x);
  add_text(4, kTop - 10, "start", plot_.unit_y);
}

// Each with its name in the first row where it covers no other.
void Picture::place_bands() {
  std::vector<double> row_ends;
  for (const Plot::Band& band : plot_.bands) {
    const double from = x(std::clamp(band.from, x_.from, x_.to));
    const double to = x(std::clamp(band.to, x_.from, x_.to));
    const double text_end = from + 8 + static_cast<double>(band.name.size()) * kLetterWidth;
    auto row = std::ranges::find_if(row_ends, [from](double taken) { return taken <= from; });
    if (row == row_ends.end()) row = row_ends.insert(row_ends.end(), 0);
    *row = std::max(to, text_end);
    bands_.push_back({&band, from, to, static_cast<size_t>(row - row_ends.begin())});
  }
  top_ = kTop + kRowHeight * static_cast<double>(row_ends.size());
}

void Picture::add_bands() {
  for (const auto& [band, from, to, row] : bands_) {
    const double at_y = kTop + kRowHeight * static_cast<double>(row);
    svg_ += "<rect class=\"band\" x=\"" + coordinate(from) + "\" y=\"" + coordinate(at_y) +
            "\" width=\"" + coordinate(to - from) + "\" height=\"" + coordinate(bottom() - at_y) +
            "\"/>\n";
    svg_ += "<path class=\"bar\" d=\"M" + coordinate(from) + ' ' + coordinate(at_y + 1) + 'H' +
            coordinate(to) + "\"/>\n";
    add_text(from + 3, at_y + kRowHeight - 3, "start", band->name);
  }
}

void Picture::add_line(const Plot::Line& line, size_t colour) {
  const size_t every = line.points.size() / kPointsMax + 1;
  std::string path;
  size_t joined = 0;  // points without a gap between them
  for (size_t i = 0; i < line.points.size(); i += every) {
    // Of several that share a column, the highest that is known counts.
    std::optional<double> value;
    for (size_t j = i; j < std::min(i + every, line.points.size()); ++j) {
      value = std::max(value, line.points[j].second);
    }
    if (!value) {
      if (joined == 1) path += kDot;
      joined = 0;
      continue;
    }
    path += (joined++ == 0 ? "M" : "L") + coordinate(x(line.points[i].first)) + ' ' +
            coordinate(y(*value));
  }
  if (path.empty()) return;
  if (joined == 1) path += kDot;
  svg_ += "<path class=\"line line-" + std::to_string(colour % kColours + 1) +
          (line.dashed ? " dashed" : "") + "\" d=\"" + path + "\"/>\n";
}

void Picture::add_legend() {
  double at = std::max(kLeft + 8, 20 + static_cast<double>(plot_.unit_y.size()) * kLetterWidth);
  for (size_t i = 0; i < plot_.lines.size(); ++i) {
    const Plot::Line& line = plot_.lines[i];
    svg_ += "<path class=\"line line-" + std::to_string(line.colour.value_or(i) % kColours + 1) +
            (line.dashed ? " dashed" : "") + "\" d=\"M" + coordinate(at) + ' ' +
            coordinate(kTop - 14) + "h16\"/>\n";
    add_text(at + 21, kTop - 10, "start", line.name);
    at += 36 + static_cast<double>(line.name.size()) * kLetterWidth;
  }
}

std::string Picture::draw() {
  place_bands();
  svg_ = "<svg viewBox=\"0 0 " + coordinate(kWidth) + ' ' + coordinate(bottom() + kBottom) +
         "\" role=\"img\">\n";
  add_bands();
  add_grid();
  for (size_t i = 0; i < plot_.lines.size(); ++i) {
    add_line(plot_.lines[i], plot_.lines[i].colour.value_or(i));
  }
  add_legend();
  return svg_ + "</svg>\n";
}

}  // namespace

std::vector<double> round_steps(double most) {
  const double rough = std::max(most, kNarrowest) / kStepsWanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {5.0, 2.5, 2.0, 1.0}) {
    if (factor * power >= rough) step = factor * power;
  }
  std::vector<double> steps = {0};
  while (steps.back() < most) steps.push_back(static_cast<double>(steps.size()) * step);
  if (steps.size() == 1) steps.push_back(step);
  return steps;
}

std::string short_text(double value) {
  if (std::abs(value) >= 1e6) return text_of("%.4gM", value / 1e6);
  if (std::abs(value) >= 1e4) return text_of("%.4gk", value / 1e3);
  return text_of("%.4g", value);
}

std::string to_svg(const Plot& plot) { return Picture(plot).draw(); }

std::string html_escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace simpul::load
