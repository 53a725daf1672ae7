#include "bench/congestion/plot.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <functional>

namespace simpul::congestion {
namespace {

constexpr double kWidth = 720;
constexpr double kLeft = 56;
constexpr double kRight = 16;
constexpr size_t kPoints = 300;  // of a line
constexpr std::array kColours = {"#2563eb", "#d97706", "#059669", "#be185d", "#6d28d9"};

// One panel: where seconds and values are in the picture.
struct Panel {
  double top;
  double height;
  double seconds;
  double most;

  double x(double second) const { return kLeft + second / seconds * (kWidth - kLeft - kRight); }
  double y(double value) const { return top + height * (1 - std::min(value, most) / most); }
};

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

std::string label(double x, double y, const std::string& anchor, const std::string& text) {
  return "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" + anchor + "\">" +
         text + "</text>\n";
}

std::string line(const Panel& panel, const FlowResult& flow, const std::string& style,
                 const std::function<double(const Sample&)>& value) {
  std::string points;
  const size_t step = flow.samples.size() / kPoints + 1;
  for (size_t i = 0; i < flow.samples.size(); i += step) {
    const Sample& sample = flow.samples[i];
    points += number(panel.x(sample.second)) + "," + number(panel.y(value(sample))) + " ";
  }
  return "<polyline fill=\"none\" " + style + " points=\"" + points + "\"/>\n";
}

std::string axes(const Panel& panel, const std::string& unit, double step) {
  std::string text;
  for (double value = 0; value <= panel.most + 1e-9; value += step) {
    const std::string y = number(panel.y(value));
    text += "<path d=\"M" + number(kLeft) + " " + y + "H" + number(kWidth - kRight) +
            "\" stroke=\"#e5e7eb\"/>\n";
    text += label(kLeft - 6, panel.y(value) + 4, "end", number(value));
  }
  return text + label(kLeft, panel.top - 6, "start", unit);
}

std::string style_of(const char* colour, const char* more = "") {
  return std::string("stroke=\"") + colour + "\" " + more;
}

// One line for each slot, next to one another where they are the same.
std::string layer_lines(const Panel& panel, const FlowResult& flow, size_t index) {
  std::string text;
  const size_t slots = flow.samples.empty() ? 0 : flow.samples.front().layers.size();
  for (size_t slot = 0; slot < slots; ++slot) {
    const size_t place = index + slot;
    text += line(panel, flow, style_of(kColours[place % kColours.size()], "stroke-width=\"1.4\""),
                 [&](const Sample& sample) {
                   return sample.layers[slot] + 1 - 0.08 * static_cast<double>(place);
                 });
  }
  return text;
}

}  // namespace

std::string plot(const Scenario& scenario, const std::vector<FlowResult>& flows) {
  double most = 0;
  for (const Sample& sample : flows.front().samples) {
    most = std::max(most, sample.capacity_bps / 1e6 * 1.2);
  }
  const double seconds = std::chrono::duration<double>(scenario.duration).count();
  const Panel rates{.top = 44, .height = 200, .seconds = seconds, .most = most};
  const Panel queue{.top = 284, .height = 90, .seconds = seconds, .most = 300};
  const auto& layers = scenario.flows.front().layers;
  const Panel steps{.top = 414,
                    .height = layers.empty() ? 0.0 : 20.0 * static_cast<double>(layers.size()),
                    .seconds = seconds,
                    .most = static_cast<double>(layers.size())};
  const double bottom = layers.empty() ? queue.top + queue.height : steps.top + steps.height;
  const std::string size = "width=\"720\" height=\"" + number(bottom + 36) + "\"";
  std::string text = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 " +
                     number(bottom + 36) +
                     "\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#374151\">\n<rect " +
                     size + " fill=\"#ffffff\"/>\n";
  text += "<text x=\"360\" y=\"18\" text-anchor=\"middle\" font-size=\"14\">" + scenario.name +
          ": " + scenario.what + "</text>\n";
  text += axes(rates, "Mbit/s: capacity (grey), target (thin), sent", most > 5 ? 2 : 0.5);
  text += axes(queue, "queue, ms", 100);
  if (!layers.empty()) text += axes(steps, "layer of each slot (0: paused)", 1);
  for (double second = 0; second <= seconds; second += seconds / 6) {
    text += label(queue.x(second), bottom + 18, "middle", number(second));
  }
  text += label(kWidth - kRight, bottom + 32, "end", "seconds");
  text += line(rates, flows.front(), style_of("#9ca3af", "stroke-width=\"2\""),
               [](const Sample& sample) { return sample.capacity_bps / 1e6; });
  for (size_t i = 0; i < flows.size(); ++i) {
    const char* colour = kColours[i % kColours.size()];
    text += line(rates, flows[i], style_of(colour, "stroke-width=\"0.7\" opacity=\"0.6\""),
                 [](const Sample& sample) { return sample.target_bps / 1e6; });
    text += line(rates, flows[i], style_of(colour, "stroke-width=\"1.4\""),
                 [](const Sample& sample) { return sample.sent_bps / 1e6; });
    text += line(queue, flows[i], style_of(colour),
                 [](const Sample& sample) { return sample.queue_ms; });
    text += layer_lines(steps, flows[i], i);
  }
  return text + "</svg>\n";
}

}  // namespace simpul::congestion
