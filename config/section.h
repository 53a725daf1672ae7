#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/time.h"
#include "config/config.h"
#include "config/toml.h"

namespace simpul::config {

// The first thing that is wrong in a file.
class Problems {
 public:
  explicit Problems(std::string_view name) : name_(name) {}

  void add(const toml::source_region& where, std::string_view key, std::string_view reason) {
    add(where, std::string(key) + ": " + std::string(reason));
  }
  void add(const toml::source_region& where, std::string_view text) {
    if (first_) return;
    first_ = ConfigError{name_ + ':' + std::to_string(where.begin.line) + ':' +
                         std::to_string(where.begin.column) + ": " + std::string(text)};
  }
  std::optional<ConfigError> first() const { return first_; }

 private:
  std::string name_;
  std::optional<ConfigError> first_;
};

// One table of the file. Every read names its key, checks type and range, and leaves `value` as it
// is when the key is absent; finish() then finds the keys that nobody asked for.
class Section {
 public:
  Section(const toml::table& table, std::string path, Problems& problems)
      : table_(table), path_(std::move(path)), problems_(problems) {}

  template <class Number>
  void number(std::string_view key, uint32_t min, uint32_t max, Number& value);
  void flag(std::string_view key, bool& value);
  void endpoint(std::string_view key, Address& value);
  void addresses(std::string_view key, std::vector<Address>& value);
  void duration(std::string_view key, Duration min, Duration max, Duration& value);
  // Some of `known`, each once, in the file's order.
  void names(std::string_view key, std::span<const std::string_view> known,
             std::vector<std::string>& value);
  // The index in `known` of the one that stands there.
  std::optional<size_t> choice(std::string_view key, std::span<const std::string_view> known);
  void origins(std::string_view key, std::vector<std::string>& value);
  void ice_servers(std::string_view key, std::vector<IceServer>& value);
  template <class Read>
  void section(std::string_view key, Read read);
  void finish();

 private:
  const toml::node* take(std::string_view key);
  std::optional<std::vector<std::string>> strings(std::string_view key, size_t max);
  std::optional<std::string> string(std::string_view key);
  void ice_server(std::string_view key, const toml::node& node, IceServer& server);
  std::string full(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + '.' + std::string(key);
  }
  void refuse(const toml::node& node, std::string_view key, std::string_view reason) {
    problems_.add(node.source(), full(key), reason);
  }
  void refuse(std::string_view key, std::string_view reason) {
    refuse(*table_.get(key), key, reason);
  }

  const toml::table& table_;
  std::string path_;
  Problems& problems_;
  std::vector<std::string> taken_;
};

template <class Number>
void Section::number(std::string_view key, uint32_t min, uint32_t max, Number& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* integer = node->as_integer();
  if (integer == nullptr || integer->get() < int64_t{min} || integer->get() > int64_t{max}) {
    return refuse(*node, key, "must be " + std::to_string(min) + " to " + std::to_string(max));
  }
  value = static_cast<Number>(integer->get());
}

template <class Read>
void Section::section(std::string_view key, Read read) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  if (!node->is_table()) return refuse(*node, key, "must be a table");
  Section inner(*node->as_table(), full(key), problems_);
  read(inner);
  inner.finish();
}

}  // namespace simpul::config
