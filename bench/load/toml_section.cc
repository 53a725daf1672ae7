#include "bench/load/toml_section.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "config/values.h"

namespace simpul::load {
namespace {

using namespace std::chrono_literals;

std::string number_text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", value);
  return text.data();
}

bool is_name(std::string_view text) {
  const auto is_known = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_known);
}

}  // namespace

void Problems::add(const toml::source_region& where, std::string_view key,
                   std::string_view reason) {
  if (first_) return;
  first_ = where.path ? *where.path : name_;
  const bool is_override = first_->starts_with("--");  // a line of its own
  if (where.begin.line > 0 && !is_override) {
    *first_ += ':' + std::to_string(where.begin.line) + ':' + std::to_string(where.begin.column);
  }
  *first_ += ": ";
  if (!key.empty()) *first_ += std::string(key) + ": ";
  *first_ += reason;
}

const toml::node* TomlSection::take(std::string_view key) {
  taken_.emplace_back(key);
  return table_.get(key);
}

void TomlSection::real(std::string_view key, double min, double max, double& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto number = node->is_boolean() ? std::nullopt : node->value<double>();
  if (!number || !std::isfinite(*number) || *number < min || *number > max) {
    return refuse_range(*node, key, number_text(min), number_text(max));
  }
  value = *number;
}

void TomlSection::flag(std::string_view key, bool& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* boolean = node->as_boolean();
  if (boolean == nullptr) return refuse(*node, key, "must be true or false");
  value = boolean->get();
}

void TomlSection::text(std::string_view key, std::string& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* string = node->as_string();
  if (string == nullptr) return refuse(*node, key, "must be a string");
  value = string->get();
}

void TomlSection::name(std::string_view key, std::string& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* string = node->as_string();
  if (string == nullptr || !is_name(string->get())) {
    return refuse(*node, key, "must be 1 to 64 of A-Z a-z 0-9 _ . -");
  }
  value = string->get();
}

void TomlSection::duration(std::string_view key, Duration min, Duration max, Duration& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* string = node->as_string();
  const auto parsed = string == nullptr ? std::nullopt : config::parse_duration(string->get());
  if (!parsed) return refuse(*node, key, "must be a duration, like \"500ms\", \"30s\" or \"2m\"");
  if (*parsed < min || *parsed > max) {
    return refuse_range(*node, key, std::to_string(min / 1ms) + "ms",
                        std::to_string(max / 1ms) + "ms");
  }
  value = *parsed;
}

std::optional<size_t> TomlSection::choice(std::string_view key,
                                          std::span<const std::string_view> known) {
  const toml::node* node = take(key);
  if (node == nullptr) return std::nullopt;
  const auto* string = node->as_string();
  const auto found =
      string == nullptr ? known.end() : std::ranges::find(known, std::string_view(string->get()));
  if (found != known.end()) return static_cast<size_t>(found - known.begin());
  std::string list;
  for (const auto name : known) list.append(list.empty() ? "" : ", ").append(name);
  refuse(*node, key, "must be one of " + list);
  return std::nullopt;
}

void TomlSection::refuse(std::string_view key, std::string_view reason) {
  const toml::node* node = table_.get(key);
  problems_.add(node == nullptr ? table_.source() : node->source(), full(key), reason);
}

void TomlSection::finish(std::string_view reason) {
  for (const auto& [key, node] : table_) {
    if (std::ranges::find(taken_, key.str()) != taken_.end()) continue;
    // A key that an override brought has no place of its own.
    const auto& where = key.source().begin.line > 0 ? key.source() : node.source();
    problems_.add(where, full(key.str()), reason);
  }
}

}  // namespace simpul::load
