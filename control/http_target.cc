#include "control/http_target.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace simpul::control {
namespace {

constexpr size_t kIdMax = 64;

bool is_ascii_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::optional<int> hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// Nothing when an escape is broken or stands for a control character.
std::optional<std::string> decode(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const auto high = hex_digit(text[i + 1]);
      const auto low = hex_digit(text[i + 2]);
      if (!high || !low) return std::nullopt;
      c = static_cast<char>(*high << 4 | *low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    result.push_back(c);
  }
  return result;
}

// Splits at `separator`; a text without one is one part.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// Cuts "http://host" off the front of an absolute target and gives the host.
std::string take_authority(std::string_view& text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (text.size() < scheme.size()) continue;
    if (!equals_ignoring_case(text.substr(0, scheme.size()), scheme)) continue;
    text.remove_prefix(scheme.size());
    const auto end = std::min(text.find_first_of("/?"), text.size());
    std::string host(text.substr(0, end));
    text.remove_prefix(end);
    if (text.empty()) text = "/";
    return host;
  }
  return {};
}

Expected<std::vector<std::string>, std::string> parse_path(std::string_view text) {
  std::vector<std::string> path;
  if (text.empty()) return path;
  for (const auto part : split(text, '/')) {
    auto segment = decode(part);
    if (!segment) return unexpected<std::string>("The path has a broken escape.");
    if (segment->find_first_of("/\\") != std::string::npos || *segment == "." || *segment == "..") {
      return unexpected<std::string>("The path has a segment that leads elsewhere.");
    }
    path.push_back(*std::move(segment));
  }
  return path;
}

Expected<std::vector<Parameter>, std::string> parse_query(std::string_view text) {
  std::vector<Parameter> query;
  if (text.empty()) return query;
  for (const auto part : split(text, '&')) {
    if (query.size() == kParametersMax) {
      return unexpected<std::string>("The query has too many parameters.");
    }
    std::string plain(part);
    std::ranges::replace(plain, '+', ' ');
    const auto middle = std::min(plain.find('='), plain.size());
    const std::string_view view(plain);
    auto name = decode(view.substr(0, middle));
    auto value = decode(view.substr(std::min(middle + 1, view.size())));
    if (!name || !value) return unexpected<std::string>("The query has a broken escape.");
    query.push_back({*std::move(name), *std::move(value)});
  }
  return query;
}

}  // namespace

Expected<Target, std::string> parse_target(std::string_view text) {
  Target target;
  target.host = take_authority(text);
  const auto path_end = std::min(text.find('?'), text.size());
  const auto path_text = text.substr(0, path_end);
  if (path_text.find('#') != std::string_view::npos || !path_text.starts_with('/')) {
    return unexpected<std::string>("The request target is not a path.");
  }
  auto path = parse_path(path_text.substr(1));
  if (!path) return unexpected(std::move(path.error()));
  target.path = *std::move(path);
  if (path_end < text.size()) {
    auto query = parse_query(text.substr(path_end + 1));
    if (!query) return unexpected(std::move(query.error()));
    target.query = *std::move(query);
  }
  return target;
}

bool is_valid_id(std::string_view text) {
  if (text.empty() || text.size() > kIdMax || text == "." || text == "..") return false;
  return std::ranges::all_of(
      text, [](char c) { return is_ascii_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

}  // namespace simpul::control
