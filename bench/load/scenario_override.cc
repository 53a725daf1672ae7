#include "bench/load/scenario_override.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "config/values.h"

namespace simpul::load {
namespace {

// "phases[0].viewers" is phases, 0, viewers.
std::vector<std::string> steps_of(std::string_view path) {
  std::vector<std::string> steps(1);
  for (const char c : path) {
    if (c == '.' || c == '[') {
      steps.emplace_back();
    } else if (c != ']' && c != ' ') {
      steps.back() += c;
    }
  }
  return steps;
}

bool is_called(const toml::table& table, std::string_view name) {
  const auto of = [&table](std::string_view key) { return table[key].value<std::string_view>(); };
  return of("name").value_or(of("kind").value_or("")) == name;
}

toml::node* element_of(toml::array& array, const std::string& step) {
  size_t index = array.size();
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (error == std::errc() && end == step.data() + step.size()) {
    return index < array.size() ? array.get(index) : nullptr;
  }
  const auto found = std::ranges::find_if(array, [&step](const toml::node& element) {
    return element.is_table() && is_called(*element.as_table(), step);
  });
  return found == array.end() ? nullptr : &*found;
}

// The node that a step leads to; a table that is not there yet is made.
toml::node* step_into(toml::node& node, const std::string& step) {
  if (auto* array = node.as_array()) return element_of(*array, step);
  auto* table = node.as_table();
  if (table == nullptr || step.empty()) return nullptr;
  return &table->insert(step, toml::table{}).first->second;
}

// The value alone, with a place that names the override.
toml::table parse_value(const std::string& value, const std::string& name, Problems& problems) {
  const auto parse = [&name](const std::string& text) {
    return toml::parse("value = " + config::ascii_of(text), std::string_view(name));
  };
  auto parsed = parse(value);
  const bool is_plain = value.find_first_of("\"\\\r\n") == std::string::npos;
  if (!parsed && is_plain) parsed = parse('"' + value + '"');
  if (!parsed || parsed.table().size() != 1) {
    problems.add({.begin = {}, .end = {}, .path = std::make_shared<const std::string>(name)}, "",
                 "not a value");
    return {};
  }
  return std::move(parsed).table();
}

}  // namespace

void override_key(toml::table& root, const std::string& text, Problems& problems) {
  const std::string name = "--set " + text;
  const auto refuse = [&](std::string_view reason) {
    problems.add({.begin = {}, .end = {}, .path = std::make_shared<const std::string>(name)}, "",
                 reason);
  };
  const size_t equals = text.find('=');
  if (equals == std::string::npos) return refuse("must be KEY=VALUE");
  auto steps = steps_of(std::string_view(text).substr(0, equals));
  const std::string last = std::move(steps.back());
  steps.pop_back();
  toml::node* node = &root;
  for (const std::string& step : steps) {
    node = step_into(*node, step);
    if (node == nullptr) return refuse("there is no " + step);
  }
  auto* table = node->as_table();
  if (table == nullptr || last.empty()) return refuse("the key leads to no table");
  toml::table value = parse_value(text.substr(equals + 1), name, problems);
  if (value.empty()) return;
  table->insert_or_assign(last, std::move(*value.get("value")));
}

}  // namespace simpul::load
