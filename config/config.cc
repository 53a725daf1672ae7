#include "config/config.h"

#include <algorithm>
#include <array>
#include <utility>

#include "config/values.h"

// toml++ 3.3 asserts (and where NDEBUG is defined lets the compiler assume) some things about the
// text that it checks properly a few lines later: "[)" is a typo, not the end of the process.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace simpul::config {
namespace {

using namespace std::chrono_literals;

constexpr uint16_t kWorkersMax = 256;
constexpr Duration kIdleTimeoutMin = 500ms;
constexpr Duration kIdleTimeoutMax = 1h;

constexpr std::array<std::string_view, 2> kAudioCodecs = {"opus", "red"};
constexpr std::array<std::string_view, 4> kVideoCodecs = {"vp8", "h264", "vp9", "av1"};
constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> kFormats = {"text", "json"};

// Keys that later versions have. To ignore them would promise what is not there.
constexpr std::array<std::string_view, 5> kLater = {"http.tls_certificate", "http.tls_key",
                                                    "metrics", "auth", "drain"};

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

std::string listed(std::span<const std::string_view> names) {
  std::string text;
  for (const auto name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

const toml::node* Section::take(std::string_view key) {
  taken_.emplace_back(key);
  return table_.get(key);
}

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

template <class Read>
void Section::section(std::string_view key, Read read) {
  const toml::node* node = take(key);
  if (node == nullptr) return;
  if (!node->is_table()) return refuse(*node, key, "must be a table");
  Section inner(*node->as_table(), full(key), problems_);
  read(inner);
  inner.finish();
}

void Section::finish() {
  for (const auto& [key, node] : table_) {
    if (std::ranges::find(taken_, key.str()) != taken_.end()) continue;
    const std::string name = full(key.str());
    const bool later = std::ranges::find(kLater, name) != kLater.end();
    problems_.add(key.source(), name, later ? "this version does not have it yet" : "unknown key");
  }
}

void read_http(Section& section, Http& http) {
  section.endpoint("listen", http.listen);
  section.origins("allowed_origins", http.allowed_origins);
}

bool is_multicast(const Address& address) {
  return address.is_v4() ? address.ip[12] >= 224 : address.ip[0] == 0xff;  // or reserved
}

// Whoever is told such an address can send nothing there.
bool is_unreachable(const Address& address) {
  return address.is_unspecified() || address.is_link_local() || is_multicast(address);
}

template <class Refuse>
void check_addresses(const Media& media, Refuse refuse) {
  if (media.listen.empty()) return refuse("listen", "must name at least one address");
  if (std::ranges::any_of(media.listen, &Address::is_link_local)) {
    refuse("listen", "link-local addresses mean nothing to clients");
  }
  if (std::ranges::any_of(media.listen, is_multicast)) {
    refuse("listen", "must be addresses of this machine");
  }
  if (std::ranges::any_of(media.announce, is_unreachable)) {
    refuse("announce", "must be addresses that clients can reach");
  }
  for (const Address& announced : media.announce) {
    const auto same_family = [&](const Address& a) { return a.is_v4() == announced.is_v4(); };
    if (std::ranges::any_of(media.listen, same_family)) continue;
    refuse("announce", announced.ip_text() + ": media.listen has no address of this family");
  }
}

void read_media(Section& section, const toml::table& root, Media& media, Problems& problems) {
  section.addresses("listen", media.listen);
  section.addresses("announce", media.announce);
  section.number("port", 0, 65535, media.port);
  section.number("tcp_port", 0, 65535, media.tcp_port);
  section.number("workers", 0, kWorkersMax, media.workers);
  section.flag("pin_workers", media.pin_workers);
  section.duration("idle_timeout", kIdleTimeoutMin, kIdleTimeoutMax, media.idle_timeout);
  section.ice_servers("ice_servers", media.ice_servers);
  const auto refuse = [&](std::string_view key, std::string_view reason) {
    problems.add(root["media"][key].node()->source(), "media." + std::string(key), reason);
  };
  check_addresses(media, refuse);
  if (media.port != 0 && media.port + media.workers - 1 > 65535) {
    refuse("workers", "media.port and one more for each worker must stay below 65536");
  }
}

void read_log(Section& section, Log& log) {
  if (const auto level = section.choice("level", kLevels)) {
    log.level = static_cast<log::Level>(*level);
  }
  if (const auto format = section.choice("format", kFormats)) {
    log.format = static_cast<log::Format>(*format);
  }
}

void read_limits(Section& section, Limits& limits) {
  section.number("rooms", 1, 1'000'000, limits.rooms);
  section.number("participants_per_room", 1, 1'000'000, limits.participants_per_room);
  section.number("publishers_per_room", 1, 100'000, limits.publishers_per_room);
  section.number("tracks_per_participant", 1, 16, limits.tracks_per_participant);
  section.number("bitrate_per_track", 10'000, 1'000'000'000, limits.bitrate_per_track);
}

bool is_forbidden(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < ' ' && c != '\t' && c != '\n' && c != '\r') || byte == 0x7F;
}

// TOML has no control characters anywhere; toml++ takes a NUL for the end of a text in places.
void check_characters(std::string_view toml, Problems& problems) {
  const auto found = std::ranges::find_if(toml, is_forbidden);
  if (found == toml.end()) return;
  const std::string_view before(toml.begin(), found);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  toml::source_region where;
  where.begin.line = static_cast<toml::source_index>(std::ranges::count(before, '\n') + 1);
  where.begin.column = static_cast<toml::source_index>(before.size() - line_start + 1);
  problems.add(where, "control character");
}

// No key or value of ours goes beyond ASCII, so what does is of interest in comments only. It is
// replaced, because toml++ 3.3 has undefined behaviour for some characters (U+FEDF outside
// strings): a value that had them is refused all the same.
std::string ascii_of(std::string_view toml) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (toml.starts_with(kByteOrderMark)) toml.remove_prefix(kByteOrderMark.size());
  std::string text(toml);
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) > 0x7F; }, '?');
  return text;
}

}  // namespace

Expected<Config, ConfigError> parse(std::string_view toml, std::string_view name) {
  Problems problems(name);
  check_characters(toml, problems);
  if (const auto problem = problems.first()) return unexpected(*problem);
  const toml::parse_result parsed = toml::parse(ascii_of(toml), name);
  if (!parsed) {
    problems.add(parsed.error().source(), parsed.error().description());
    return unexpected(*problems.first());
  }
  Config config;
  const toml::table& table = parsed.table();
  Section root(table, "", problems);
  root.section("http", [&](Section& section) { read_http(section, config.http); });
  root.section("media",
               [&](Section& section) { read_media(section, table, config.media, problems); });
  root.section("codecs", [&](Section& section) {
    section.names("audio", kAudioCodecs, config.codecs.audio);
    section.names("video", kVideoCodecs, config.codecs.video);
  });
  root.section("limits", [&](Section& section) { read_limits(section, config.limits); });
  root.section("log", [&](Section& section) { read_log(section, config.log); });
  root.finish();
  if (const auto problem = problems.first()) return unexpected(*problem);
  return config;
}

}  // namespace simpul::config
