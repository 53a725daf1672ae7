#include "sdp/text.h"

#include <algorithm>
#include <charconv>

#include "sdp/session_description.h"

namespace simpul::sdp {
namespace {

constexpr size_t kIceTextSizeMax = 256;

// Of the "C" locale, whatever the process has.
bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_token_character(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`{|}~";
  return is_alphanumeric(c) || kMarks.find(c) != std::string_view::npos;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string_view take_until(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const auto taken = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return taken;
}

std::string_view take_word(std::string_view& rest) {
  const size_t start = rest.find_first_not_of(' ');
  if (start == std::string_view::npos) {
    rest = {};
    return {};
  }
  rest.remove_prefix(start);
  return take_until(rest, ' ');
}

std::string_view trim(std::string_view text) {
  const size_t start = text.find_first_not_of(" \t");
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(" \t") - start + 1);
}

std::optional<uint32_t> parse_number(std::string_view text, uint32_t max) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= kTokenSizeMax &&
         std::ranges::all_of(text, is_token_character);
}

bool is_ice_text(std::string_view text, size_t min) {
  return text.size() >= min && text.size() <= kIceTextSizeMax &&
         std::ranges::all_of(text,
                             [](char c) { return is_alphanumeric(c) || c == '+' || c == '/'; });
}

bool is_rid(std::string_view text) {
  return !text.empty() && text.size() <= kRidSizeMax && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || c == '-' || c == '_';
  });
}

std::string lower(std::string_view text) {
  std::string lowered(text);
  std::ranges::transform(lowered, lowered.begin(), [](char c) { return lower(c); });
  return lowered;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace simpul::sdp
