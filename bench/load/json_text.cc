#include "bench/load/json_text.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace simpul::load {

std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) {
      // What servers say may be in any encoding: bytes become characters of the same number.
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\u%04x", static_cast<unsigned char>(c));
      quoted += escaped.data();
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string json_number(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) return "null";
  std::array<char, 32> text{};
  // Counts stay whole, shares keep what they have.
  std::snprintf(text.data(), text.size(), *value == std::floor(*value) ? "%.0f" : "%.6g", *value);
  return text.data();
}

}  // namespace simpul::load
