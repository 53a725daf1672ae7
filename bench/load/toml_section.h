#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"

// toml++ 3.3 asserts (and where NDEBUG is defined lets the compiler assume) some things about the
// text that it checks properly a few lines later: "[)" is a typo, not the end of the process.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace simpul::load {

// The first thing that is wrong in a scenario, as one line. `name` is where nothing else is known.
class Problems {
 public:
  explicit Problems(std::string_view name) : name_(name) {}

  void add(const toml::source_region& where, std::string_view key, std::string_view reason);
  const std::optional<std::string>& first() const { return first_; }

 private:
  std::string name_;
  std::optional<std::string> first_;
};

// One table of a scenario. Every read names its key, checks type and range, and leaves `value` as
// it is when the key is absent; finish() then finds the keys that nobody asked for.
class TomlSection {
 public:
  TomlSection(const toml::table& table, std::string path, Problems& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}

  bool has(std::string_view key) const { return table_.contains(key); }
  template <class Number>
  void number(std::string_view key, uint64_t min, uint64_t max, Number& value);
  void real(std::string_view key, double min, double max, double& value);
  void flag(std::string_view key, bool& value);
  void text(std::string_view key, std::string& value);
  // 1 to 64 characters that rooms and participants may have in their names.
  void name(std::string_view key, std::string& value);
  void duration(std::string_view key, Duration min, Duration max, Duration& value);
  // The index in `known` of the one that stands there.
  std::optional<size_t> choice(std::string_view key, std::span<const std::string_view> known);
  template <class Read>
  void section(std::string_view key, Read read);
  // Nothing, a table, or false: whether there is such a thing at all.
  template <class Read>
  void section_or_false(std::string_view key, bool& there, Read read);
  // All tables inside of a table: read(section, key).
  template <class Read>
  void each_section(std::string_view key, Read read);
  // All tables of a list: read(section).
  template <class Read>
  void list(std::string_view key, size_t max, Read read);
  void refuse(std::string_view key, std::string_view reason);
  void finish(std::string_view reason = "unknown key");

 private:
  const toml::node* take(std::string_view key);
  void refuse(const toml::node& node, std::string_view key, std::string_view reason) {
    problems_.add(node.source(), full(key), reason);
  }
  void refuse_range(const toml::node& node, std::string_view key, const std::string& min,
                    const std::string& max) {
    refuse(node, key, "must be " + min + " to " + max);
  }
  std::string full(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + '.' + std::string(key);
  }

  const toml::table& table_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string> taken_;
};

template <class Number>
void TomlSection::number(std::string_view key, uint64_t min, uint64_t max, Number& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* integer = node->as_integer();
  if (integer == nullptr || integer->get() < 0 || static_cast<uint64_t>(integer->get()) < min ||
      static_cast<uint64_t>(integer->get()) > max) {
    return refuse_range(*node, key, std::to_string(min), std::to_string(max));
  }
  value = static_cast<Number>(integer->get());
}

template <class Read>
void TomlSection::section(std::string_view key, Read read) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  if (!node->is_table()) return refuse(*node, key, "must be a table");
  TomlSection inner(*node->as_table(), full(key), problems_);
  read(inner);
  inner.finish();
}

template <class Read>
void TomlSection::section_or_false(std::string_view key, bool& there, Read read) {
  const toml::node* node = table_.get(key);
  const auto* boolean = node == nullptr ? nullptr : node->as_boolean();
  if (boolean == nullptr) return section(key, read);
  take(key);
  if (boolean->get()) return refuse(*node, key, "must be false or a table");
  there = false;
}

template <class Read>
void TomlSection::each_section(std::string_view key, Read read) {
  section(key, [&read](TomlSection& inner) {
    for (const auto& [key_there, node] : inner.table_) {
      const std::string_view name = key_there.str();
      inner.section(name, [&read, name](TomlSection& found) { read(found, name); });
    }
  });
}

template <class Read>
void TomlSection::list(std::string_view key, size_t max, Read read) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* array = node->as_array();
  if (array == nullptr || array->size() > max) {
    return refuse(*node, key, "must be a list of at most " + std::to_string(max) + " tables");
  }
  for (size_t i = 0; i < array->size(); ++i) {
    const std::string path = full(key) + '[' + std::to_string(i) + ']';
    const toml::node& element = *array->get(i);
    if (!element.is_table()) return problems_.add(element.source(), path, "must be a table");
    TomlSection inner(*element.as_table(), path, problems_);
    read(inner);
  }
}

}  // namespace simpul::load
