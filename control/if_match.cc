#include "control/if_match.h"

#include <algorithm>

namespace simpul::control {
namespace {

// etagc of RFC 9110 §8.8.3: no blanks, no quotes; bytes beyond ASCII are taken.
bool is_tag_character(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x21 && byte != '"' && byte != 0x7f;
}

void skip_blanks(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
}

}  // namespace

bool IfMatch::take_tag(std::string_view& rest) {
  const bool weak = rest.starts_with("W/");
  if (weak) rest.remove_prefix(2);
  if (!rest.starts_with('"')) return false;
  rest.remove_prefix(1);
  const size_t end = rest.find('"');
  if (end == std::string_view::npos) return false;
  const auto name = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  if (!std::ranges::all_of(name, is_tag_character)) return false;
  if (weak) return true;
  // RFC 9725 asks for * to restart, and writes it in quotes in its own example.
  if (name == "*") any_ = true;
  tags_.emplace_back(name);
  return true;
}

std::optional<IfMatch> IfMatch::parse(std::string_view text) {
  IfMatch parsed;
  if (trim(text) == "*") {
    parsed.any_ = true;
    return parsed;
  }
  bool found = false;
  auto rest = text;
  while (true) {
    skip_blanks(rest);
    if (!rest.empty() && rest.front() != ',') {  // empty elements are allowed (§5.6.1.2)
      if (!parsed.take_tag(rest)) return std::nullopt;
      found = true;
      skip_blanks(rest);
    }
    if (rest.empty()) break;
    if (rest.front() != ',') return std::nullopt;
    rest.remove_prefix(1);
  }
  return found ? std::optional(std::move(parsed)) : std::nullopt;
}

bool IfMatch::matches(std::string_view tag) const {
  return any_ || std::ranges::find(tags_, tag) != tags_.end();
}

std::optional<std::string> if_match_of(const Request& request) {
  std::optional<std::string> joined;
  for (const Header& header : request.headers) {
    if (header.name != "if-match") continue;
    joined = joined ? *joined + ", " + header.value : header.value;
  }
  return joined;
}

std::string entity_tag(std::string_view name) {
  std::string tag = "\"";
  return tag.append(name).append("\"");
}

}  // namespace simpul::control
