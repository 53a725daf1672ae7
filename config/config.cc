#include "config/config.h"

#include <algorithm>
#include <array>

#include "config/section.h"
#include "config/values.h"

namespace simpul::config {
namespace {

using namespace std::chrono_literals;

constexpr uint16_t kWorkersMax = 256;
constexpr uint32_t kSpeakersMax = 32;  // as many as a viewer has slots
constexpr Duration kIdleTimeoutMin = 500ms;
constexpr Duration kIdleTimeoutMax = 1h;

constexpr std::array<std::string_view, 2> kAudioCodecs = {"opus", "red"};
constexpr std::array<std::string_view, 4> kVideoCodecs = {"vp8", "h264", "vp9", "av1"};
constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> kFormats = {"text", "json"};

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
  section.flag("spread_rooms", media.spread_rooms);
  section.flag("gso_padding", media.gso_padding);
  section.flag("gop_cache", media.gop_cache);
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
  section.number("speakers_per_room", 0, kSpeakersMax, limits.speakers_per_room);
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
