#include "config/values.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace simpul::config {
namespace {

using namespace std::chrono_literals;

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Unit {
  std::string_view suffix;
  Duration length;
};

// "ms" before "m" and "s": the first suffix that fits is the unit.
constexpr std::array<Unit, 4> kUnits = {{{"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}}};
constexpr Duration kDurationMax = 365 * 24h;

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':' ||
         c == '[' || c == ']';
}

constexpr size_t kIceTextMax = 256;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.';
}

// Nothing, or a colon and a port.
bool is_port_suffix(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  const auto port = parse_number<uint16_t>(text.substr(1));
  return port && *port != 0;
}

}  // namespace

std::optional<Address> parse_endpoint(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view ip = text.substr(0, colon);
  const auto port = parse_number<uint16_t>(text.substr(colon + 1));
  if (!port) return std::nullopt;
  const bool bracketed = ip.starts_with('[') && ip.ends_with(']');
  if (bracketed) ip = ip.substr(1, ip.size() - 2);
  if (bracketed != (ip.find(':') != std::string_view::npos)) return std::nullopt;
  return Address::parse(ip, *port);
}

std::optional<Duration> parse_duration(std::string_view text) {
  for (const auto& unit : kUnits) {
    if (!text.ends_with(unit.suffix)) continue;
    const auto count = parse_number<uint64_t>(text.substr(0, text.size() - unit.suffix.size()));
    if (!count || *count > static_cast<uint64_t>(kDurationMax / unit.length)) return std::nullopt;
    return unit.length * static_cast<int64_t>(*count);
  }
  return std::nullopt;
}

bool is_ice_url(std::string_view text) {
  constexpr std::array<std::string_view, 4> kSchemes = {"stun:", "stuns:", "turn:", "turns:"};
  const auto scheme =
      std::ranges::find_if(kSchemes, [text](auto prefix) { return text.starts_with(prefix); });
  if (scheme == kSchemes.end() || text.size() > kIceTextMax) return false;
  text.remove_prefix(scheme->size());
  const size_t query = text.find('?');
  if (query != std::string_view::npos) {
    const auto transport = text.substr(query);
    if (!scheme->starts_with("turn")) return false;
    if (transport != "?transport=udp" && transport != "?transport=tcp") return false;
    text = text.substr(0, query);
  }
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || !Address::parse(text.substr(1, end - 1), 0)) return false;
    return is_port_suffix(text.substr(end + 1));
  }
  const auto host = text.substr(0, text.find(':'));
  return !host.empty() && std::ranges::all_of(host, is_name_character) &&
         is_port_suffix(text.substr(host.size()));
}

bool is_ice_secret(std::string_view text) {
  // A question mark may be what the file's reader made of a character beyond ASCII.
  return !text.empty() && text.size() <= kIceTextMax &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '?'; });
}

bool is_origin(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (!text.starts_with(scheme)) continue;
    const auto host = text.substr(scheme.size());
    return !host.empty() && host.size() <= 255 && std::ranges::all_of(host, is_host_character);
  }
  return false;
}

std::string ascii_of(std::string_view toml) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (toml.starts_with(kByteOrderMark)) toml.remove_prefix(kByteOrderMark.size());
  std::string text(toml);
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) > 0x7F; }, '?');
  return text;
}

}  // namespace simpul::config
