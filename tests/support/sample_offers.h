#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

// Offers as real clients wrote them (tests/data/sdp), and small changes to them.
namespace simpul::testing {

inline std::string sample_offer(const std::string& name) {
  std::ifstream file(std::string(SIMPUL_TEST_DATA) + "/sdp/" + name + ".sdp");
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<std::string> sample_offer_names() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(SIMPUL_TEST_DATA) + "/sdp")) {
    names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

// Without their line ends.
inline std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    auto line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

inline std::string text_of(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\r\n";
  return text;
}

// The lines of the session part (0) or of the n-th m-line's section.
inline std::vector<std::string> section_of(std::string_view text, size_t section) {
  std::vector<std::string> lines;
  size_t at = 0;
  for (const auto& line : lines_of(text)) {
    if (line.starts_with("m=")) ++at;
    if (at == section) lines.push_back(line);
  }
  return lines;
}

inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

inline std::string without_lines(std::string_view text, std::string_view prefix) {
  auto lines = lines_of(text);
  std::erase_if(lines, [prefix](const std::string& line) { return line.starts_with(prefix); });
  return text_of(lines);
}

}  // namespace simpul::testing
