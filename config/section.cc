#include "config/section.h"

#include <algorithm>
#include <array>

#include "config/values.h"

namespace simpul::config {
namespace {

using namespace std::chrono_literals;

// Keys that later versions have. To ignore them would promise what is not there.
constexpr std::array<std::string_view, 5> kLater = {"http.tls_certificate", "http.tls_key",
                                                    "metrics", "auth", "drain"};

std::string listed(std::span<const std::string_view> names) {
  std::string text;
  for (const auto name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

}  // namespace

const toml::node* Section::take(std::string_view key) {
  taken_.emplace_back(key);
  return table_.get(key);
}

void Section::flag(std::string_view key, bool& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* boolean = node->as_boolean();
  if (boolean == nullptr) return refuse(*node, key, "must be true or false");
  value = boolean->get();
}

std::optional<std::string> Section::string(std::string_view key) {
  const toml::node* node = take(key);
  if (node == nullptr) return std::nullopt;
  const auto* text = node->as_string();
  if (text != nullptr) return text->get();
  refuse(*node, key, "must be a string");
  return std::nullopt;
}

std::optional<std::vector<std::string>> Section::strings(std::string_view key, size_t max) {
  const toml::node* node = take(key);
  if (node == nullptr) return std::nullopt;
  const auto* array = node->as_array();
  if (array == nullptr || array->size() > max) {
    refuse(*node, key, "must be a list of at most " + std::to_string(max) + " strings");
    return std::nullopt;
  }
  std::vector<std::string> texts;
  for (const toml::node& element : *array) {
    const auto* text = element.as_string();
    const bool twice = text != nullptr && std::ranges::find(texts, text->get()) != texts.end();
    if (text == nullptr || twice) {
      refuse(element, key, twice ? "the same value twice" : "must be a list of strings");
      return std::nullopt;
    }
    texts.push_back(text->get());
  }
  return texts;
}

void Section::endpoint(std::string_view key, Address& value) {
  const auto text = string(key);
  if (!text) return;
  const auto address = parse_endpoint(*text);
  if (!address) return refuse(key, "must be an address and a port, like \"127.0.0.1:8080\"");
  value = *address;
}

void Section::addresses(std::string_view key, std::vector<Address>& value) {
  const auto texts = strings(key, kAddressesMax);
  if (!texts) return;
  std::vector<Address> parsed;
  for (const auto& text : *texts) {
    const auto address = Address::parse(text, 0);
    if (!address) return refuse(key, "not an IP address: \"" + text + '"');
    if (std::ranges::find(parsed, *address) != parsed.end()) {
      return refuse(key, "the same value twice");
    }
    parsed.push_back(*address);
  }
  value = std::move(parsed);
}

void Section::duration(std::string_view key, Duration min, Duration max, Duration& value) {
  const auto text = string(key);
  if (!text) return;
  const auto parsed = parse_duration(*text);
  if (!parsed) return refuse(key, "must be a duration, like \"500ms\", \"30s\" or \"2m\"");
  if (*parsed < min || *parsed > max) {
    return refuse(
        key, "must be " + std::to_string(min / 1ms) + "ms to " + std::to_string(max / 1ms) + "ms");
  }
  value = *parsed;
}

void Section::names(std::string_view key, std::span<const std::string_view> known,
                    std::vector<std::string>& value) {
  auto texts = strings(key, known.size());
  if (!texts) return;
  for (const auto& text : *texts) {
    if (std::ranges::find(known, text) == known.end()) {
      return refuse(key, "must be some of " + listed(known));
    }
  }
  value = std::move(*texts);
}

std::optional<size_t> Section::choice(std::string_view key,
                                      std::span<const std::string_view> known) {
  const auto text = string(key);
  if (!text) return std::nullopt;
  const auto found = std::ranges::find(known, *text);
  if (found != known.end()) return static_cast<size_t>(found - known.begin());
  refuse(key, "must be one of " + listed(known));
  return std::nullopt;
}

void Section::origins(std::string_view key, std::vector<std::string>& value) {
  auto texts = strings(key, kOriginsMax);
  if (!texts) return;
  if (!std::ranges::all_of(*texts, is_origin)) {
    return refuse(key, "must be origins, like \"https://example.org\"");
  }
  value = std::move(*texts);
}

void Section::ice_server(std::string_view key, const toml::node& node, IceServer& server) {
  Section inner(*node.as_table(), full(key), problems_);
  server.urls = inner.strings("urls", kIceUrlsMax).value_or(std::vector<std::string>());
  server.username = inner.string("username").value_or("");
  server.credential = inner.string("credential").value_or("");
  inner.finish();
  const bool is_turn = std::ranges::any_of(
      server.urls, [](const std::string& url) { return url.starts_with("turn"); });
  if (server.urls.empty() || !std::ranges::all_of(server.urls, is_ice_url)) {
    refuse(node, key, "urls must be like \"stun:HOST\" or \"turn:HOST:PORT?transport=udp\"");
  } else if (is_turn && !(is_ice_secret(server.username) && is_ice_secret(server.credential))) {
    refuse(node, key, "turn needs username and credential, of printable ASCII without \"?\"");
  } else if (!is_turn && !(server.username + server.credential).empty()) {
    refuse(node, key, "username and credential are for turn");
  }
}

void Section::ice_servers(std::string_view key, std::vector<IceServer>& value) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  const auto* array = node->as_array();
  const auto is_table = [](const toml::node& element) { return element.is_table(); };
  if (array == nullptr || array->size() > kIceServersMax ||
      !std::all_of(array->begin(), array->end(), is_table)) {
    return refuse(*node, key,
                  "must be a list of at most " + std::to_string(kIceServersMax) + " tables");
  }
  value.clear();
  for (const toml::node& element : *array) ice_server(key, element, value.emplace_back());
}

void Section::finish() {
  for (const auto& [key, node] : table_) {
    if (std::ranges::find(taken_, key.str()) != taken_.end()) continue;
    const std::string name = full(key.str());
    const bool later = std::ranges::find(kLater, name) != kLater.end();
    problems_.add(key.source(), name, later ? "this version does not have it yet" : "unknown key");
  }
}

}  // namespace simpul::config
