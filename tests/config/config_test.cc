#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace simpul::config {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

Config accepted(std::string_view toml) {
  const auto config = parse(toml, "test.toml");
  EXPECT_TRUE(config) << config.error().text;
  return config ? *config : Config{};
}

// Why the file is refused, or "ok".
std::string outcome(std::string_view toml) {
  const auto config = parse(toml, "test.toml");
  return config ? "ok" : config.error().text;
}

TEST(Config, AnEmptyFileIsTheDefaults) {
  const Config config = accepted("");
  EXPECT_FALSE(config.dev);
  EXPECT_EQ(config.http.listen.to_string(), "127.0.0.1:8080");
  ASSERT_EQ(config.media.listen.size(), 2u);
  EXPECT_EQ(config.media.listen[0].ip_text(), "0.0.0.0");
  EXPECT_EQ(config.media.listen[1].ip_text(), "::");
  EXPECT_EQ(config.media.port, 7700);
  EXPECT_EQ(config.media.tcp_port, 7700);
  EXPECT_EQ(config.media.idle_timeout, 30s);
  EXPECT_TRUE(config.media.gso_padding);
  EXPECT_TRUE(config.media.gop_cache);
  EXPECT_THAT(config.codecs.audio, ElementsAre("opus", "red"));
  EXPECT_THAT(config.codecs.video, ElementsAre("vp8", "h264", "vp9", "av1"));
  EXPECT_EQ(config.log.level, log::Level::kInfo);
  EXPECT_EQ(config.limits.rooms, 10000u);
}

TEST(Config, ReadsEveryKey) {
  const Config config = accepted(R"(
[http]
listen = "[::1]:9000"
allowed_origins = ["https://example.org", "http://localhost:5173"]
[media]
listen = ["192.0.2.1", "2001:db8::1"]
announce = ["203.0.113.5"]
port = 5000
tcp_port = 443
workers = 4
pin_workers = true
spread_rooms = true
gso_padding = false
gop_cache = false
idle_timeout = "2m"
[codecs]
audio = ["red", "opus"]
video = ["av1", "vp8"]
[limits]
rooms = 1
participants_per_room = 2
publishers_per_room = 3
tracks_per_participant = 4
bitrate_per_track = 2_500_000
speakers_per_room = 5
[log]
level = "warning"
format = "json"
)");
  EXPECT_EQ(config.http.listen.to_string(), "[::1]:9000");
  EXPECT_THAT(config.http.allowed_origins,
              ElementsAre("https://example.org", "http://localhost:5173"));
  ASSERT_EQ(config.media.listen.size(), 2u);
  EXPECT_EQ(config.media.listen[1].to_string(), "[2001:db8::1]:0");
  EXPECT_EQ(config.media.announce.at(0).ip_text(), "203.0.113.5");
  EXPECT_EQ(config.media.port, 5000);
  EXPECT_EQ(config.media.tcp_port, 443);
  EXPECT_EQ(config.media.workers, 4);
  EXPECT_TRUE(config.media.pin_workers);
  EXPECT_TRUE(config.media.spread_rooms);
  EXPECT_FALSE(config.media.gso_padding);
  EXPECT_FALSE(config.media.gop_cache);
  EXPECT_EQ(config.media.idle_timeout, 2min);
  EXPECT_THAT(config.codecs.audio, ElementsAre("red", "opus"));
  EXPECT_THAT(config.codecs.video, ElementsAre("av1", "vp8"));
  EXPECT_EQ(config.limits.rooms, 1u);
  EXPECT_EQ(config.limits.participants_per_room, 2u);
  EXPECT_EQ(config.limits.publishers_per_room, 3u);
  EXPECT_EQ(config.limits.tracks_per_participant, 4u);
  EXPECT_EQ(config.limits.bitrate_per_track, 2'500'000u);
  EXPECT_EQ(config.limits.speakers_per_room, 5u);
  EXPECT_EQ(config.log.level, log::Level::kWarning);
  EXPECT_EQ(config.log.format, log::Format::kJson);
}

TEST(Config, NamesFileLineColumnKeyAndReason) {
  EXPECT_EQ(outcome("# first\n[media]\nport = 65536\n"),
            "test.toml:3:8: media.port: must be 0 to 65535");
}

TEST(Config, NamesThePlaceOfBrokenToml) {
  EXPECT_THAT(outcome("[media]\nport = \n"), StartsWith("test.toml:2:"));
  EXPECT_THAT(outcome("[media\n"), StartsWith("test.toml:1:"));
  EXPECT_THAT(outcome("[)\n"), StartsWith("test.toml:1:2: "));
  EXPECT_THAT(outcome("port = 1\nport = 2\n"), StartsWith("test.toml:2:"));
  EXPECT_THAT(outcome("\xff\xfe"), StartsWith("test.toml:1:"));
}

TEST(Config, RefusesControlCharacters) {
  EXPECT_EQ(outcome(std::string_view("[\0\0media", 8)), "test.toml:1:2: control character");
  EXPECT_EQ(outcome("# first\nx = \x7f\n"), "test.toml:2:5: control character");
  EXPECT_EQ(outcome("\t# tabs and\r\n# line ends are none\r\n"), "ok");
}

TEST(Config, CommentsAreInAnyLanguageAndValuesInAscii) {
  EXPECT_EQ(outcome("\xEF\xBB\xBF# Größe: \xEF\xBB\x9F \xFF\n[media]\nport = 1\n"), "ok");
  EXPECT_NE(outcome("\xEF\xBB\x9F = 1\n"), "ok");
  EXPECT_NE(outcome("[http]\nallowed_origins = [\"https://größe.example\"]\n"), "ok");
}

TEST(Config, RefusesUnknownKeysAtEveryDepth) {
  EXPECT_EQ(outcome("colour = 1\n"), "test.toml:1:1: colour: unknown key");
  EXPECT_EQ(outcome("[colours]\n"), "test.toml:1:2: colours: unknown key");
  EXPECT_EQ(outcome("[media]\nports = 1\n"), "test.toml:2:1: media.ports: unknown key");
  EXPECT_EQ(outcome("dev = true\n"), "test.toml:1:1: dev: unknown key");
}

TEST(Config, RefusesKeysOfLaterVersionsByName) {
  const auto refusal = [](const std::string& toml) {
    EXPECT_THAT(outcome(toml), HasSubstr("this version does not have it yet")) << toml;
  };
  refusal("[http]\ntls_certificate = \"\"\n");
  refusal("[http]\ntls_key = \"\"\n");
  refusal("[metrics]\nlisten = \"\"\n");
  refusal("[[auth.keys]]\nid = \"platform-1\"\n");
  refusal("[drain]\ndeadline = \"15m\"\n");
}

TEST(Config, ReadsIceServers) {
  EXPECT_THAT(accepted("[media]\nice_servers = []\n").media.ice_servers, IsEmpty());
  const Config config = accepted(R"(
[[media.ice_servers]]
urls = ["stun:stun.example.org", "stun:192.0.2.1:3478"]
[[media.ice_servers]]
urls = ["turn:turn.example.org?transport=udp", "turns:turn.example.org:443"]
username = "alice"
credential = "a \"quoted\" secret"
)");
  ASSERT_EQ(config.media.ice_servers.size(), 2u);
  EXPECT_THAT(config.media.ice_servers[0].urls,
              ElementsAre("stun:stun.example.org", "stun:192.0.2.1:3478"));
  EXPECT_EQ(config.media.ice_servers[1].urls.size(), 2u);
  EXPECT_EQ(config.media.ice_servers[1].username, "alice");
  EXPECT_EQ(config.media.ice_servers[1].credential, "a \"quoted\" secret");
}

TEST(Config, RefusesIceServersThatNobodyCouldUse) {
  const auto refusal = [](const std::string& server) {
    return outcome("[media]\nice_servers = [" + server + "]\n");
  };
  EXPECT_THAT(refusal("\"stun:stun.example.org\""), HasSubstr("a list of at most 4 tables"));
  EXPECT_THAT(refusal("{urls=[]},{urls=[]},{urls=[]},{urls=[]},{urls=[]}"), HasSubstr("at most 4"));
  EXPECT_THAT(refusal("{}"), HasSubstr("media.ice_servers: urls must be like"));
  EXPECT_THAT(refusal("{ urls = \"stun:a\" }"),
              HasSubstr("media.ice_servers.urls: must be a list"));
  EXPECT_THAT(refusal("{ urls = [\"https://a\"] }"), HasSubstr("urls must be like"));
  EXPECT_THAT(refusal("{ urls = [\"stun:a\"], url = 1 }"),
              HasSubstr("ice_servers.url: unknown key"));
  EXPECT_THAT(refusal("{ urls = [\"stun:a\", \"stun:b\", \"stun:c\", \"stun:d\", \"stun:e\"] }"),
              HasSubstr("at most 4 strings"));
  EXPECT_THAT(refusal("{ urls = [\"turn:a\"] }"), HasSubstr("turn needs username and credential"));
  EXPECT_THAT(refusal("{ urls = [\"turn:a\"], username = \"u\" }"), HasSubstr("turn needs"));
  EXPECT_THAT(refusal("{ urls = [\"turn:a\"], username = \"u\", credential = \"a\\nb\" }"),
              HasSubstr("turn needs"));
  EXPECT_THAT(refusal("{ urls = [\"turn:a\"], username = \"u\", credential = \"p\u00e4ss\" }"),
              HasSubstr("printable ASCII"));
  EXPECT_THAT(refusal("{ urls = [\"stun:a\"], username = \"u\" }"), HasSubstr("are for turn"));
}

TEST(Config, RefusesValuesOfTheWrongType) {
  EXPECT_THAT(outcome("media = 1\n"), HasSubstr("media: must be a table"));
  EXPECT_THAT(outcome("[media]\nport = \"7700\"\n"), HasSubstr("media.port: must be 0 to 65535"));
  EXPECT_THAT(outcome("[media]\nport = 7700.5\n"), HasSubstr("media.port: must be"));
  EXPECT_THAT(outcome("[media]\npin_workers = 1\n"), HasSubstr("must be true or false"));
  EXPECT_THAT(outcome("[media]\nspread_rooms = 1\n"), HasSubstr("must be true or false"));
  EXPECT_THAT(outcome("[media]\nlisten = \"0.0.0.0\"\n"),
              HasSubstr("media.listen: must be a list"));
  EXPECT_THAT(outcome("[media]\nlisten = [1]\n"), HasSubstr("media.listen: must be a list"));
  EXPECT_THAT(outcome("[media]\nidle_timeout = 30\n"), HasSubstr("must be a string"));
  EXPECT_THAT(outcome("[http]\nlisten = 8080\n"), HasSubstr("http.listen: must be a string"));
}

TEST(Config, ChecksNumbersAtTheirBounds) {
  EXPECT_EQ(outcome("[media]\nport = 0\ntcp_port = 65535\nworkers = 256\n"), "ok");
  EXPECT_NE(outcome("[media]\nport = -1\n"), "ok");
  EXPECT_NE(outcome("[media]\ntcp_port = 65536\n"), "ok");
  EXPECT_NE(outcome("[media]\nworkers = 257\n"), "ok");
  EXPECT_NE(outcome("[media]\nport = 9223372036854775807\n"), "ok");
  EXPECT_NE(outcome("[limits]\nrooms = 0\n"), "ok");
  EXPECT_NE(outcome("[limits]\ntracks_per_participant = 17\n"), "ok");
  EXPECT_EQ(outcome("[limits]\nbitrate_per_track = 1_000_000_000\n"), "ok");
  EXPECT_NE(outcome("[limits]\nbitrate_per_track = 9_999\n"), "ok");
  EXPECT_EQ(outcome("[limits]\nspeakers_per_room = 32\n"), "ok");
  EXPECT_NE(outcome("[limits]\nspeakers_per_room = 33\n"), "ok");
}

TEST(Config, EveryWorkerNeedsAPort) {
  EXPECT_EQ(outcome("[media]\nport = 65535\nworkers = 1\n"), "ok");
  EXPECT_THAT(outcome("[media]\nport = 65535\nworkers = 2\n"),
              HasSubstr("test.toml:3:11: media.workers: media.port and one more"));
}

TEST(Config, ChecksAddresses) {
  EXPECT_THAT(outcome("[media]\nlisten = []\n"), HasSubstr("media.listen: must name at least one"));
  EXPECT_THAT(outcome("[media]\nlisten = [\"localhost\"]\n"),
              HasSubstr("not an IP address: \"localhost\""));
  EXPECT_THAT(outcome("[media]\nlisten = [\"::1\", \"0:0:0:0:0:0:0:1\"]\n"),
              HasSubstr("the same value twice"));
  for (const char* nowhere :
       {"0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "fe80::1"}) {
    EXPECT_THAT(outcome("[media]\nannounce = [\"" + std::string(nowhere) + "\"]\n"),
                HasSubstr("media.announce: must be addresses that clients can reach"));
  }
  EXPECT_THAT(outcome("[media]\nlisten = [\"fe80::1\"]\n"), HasSubstr("media.listen: link-local"));
  EXPECT_THAT(outcome("[media]\nlisten = [\"239.0.0.1\"]\n"),
              HasSubstr("media.listen: must be addresses of this machine"));
  EXPECT_THAT(outcome("[media]\nlisten = [\"0.0.0.0\"]\nannounce = [\"2001:db8::1\"]\n"),
              HasSubstr("2001:db8::1: media.listen has no address of this family"));
  EXPECT_THAT(outcome("[http]\nlisten = \"8080\"\n"), HasSubstr("an address and a port"));
}

TEST(Config, ListsHaveALimit) {
  const auto list_of = [](size_t count) {
    std::string toml = "[media]\nlisten = [";
    for (size_t i = 0; i < count; ++i) toml += "\"10.0.0." + std::to_string(i) + "\",";
    return toml + "]\n";
  };
  EXPECT_EQ(outcome(list_of(kAddressesMax)), "ok");
  EXPECT_THAT(outcome(list_of(kAddressesMax + 1)), HasSubstr("a list of at most 16 strings"));
}

TEST(Config, ChecksCodecsAndOrigins) {
  EXPECT_THAT(outcome("[codecs]\nvideo = [\"vp7\"]\n"),
              HasSubstr("codecs.video: must be some of vp8, h264, vp9, av1"));
  EXPECT_THAT(outcome("[codecs]\naudio = [\"opus\", \"opus\"]\n"),
              HasSubstr("the same value twice"));
  EXPECT_THAT(accepted("[codecs]\naudio = []\n").codecs.audio, IsEmpty());
  EXPECT_THAT(outcome("[http]\nallowed_origins = [\"https://example.org/\"]\n"),
              HasSubstr("http.allowed_origins: must be origins"));
}

TEST(Config, ChecksChoicesAndDurations) {
  EXPECT_THAT(outcome("[log]\nlevel = \"loud\"\n"),
              HasSubstr("log.level: must be one of debug, info, warning, error"));
  EXPECT_THAT(outcome("[media]\nidle_timeout = \"soon\"\n"), HasSubstr("must be a duration"));
  EXPECT_THAT(outcome("[media]\nidle_timeout = \"499ms\"\n"),
              HasSubstr("must be 500ms to 3600000ms"));
  EXPECT_EQ(accepted("[media]\nidle_timeout = \"500ms\"\n").media.idle_timeout, 500ms);
}

TEST(Config, DeeplyNestedValuesAreRefusedNotFollowed) {
  EXPECT_NE(outcome("x = " + std::string(10'000, '[')), "ok");
}

// A file in the tests' own folder that is gone afterwards.
class ConfigFile : public ::testing::Test {
 protected:
  void write(const std::string& text) { std::ofstream(path_, std::ios::binary) << text; }
  void TearDown() override { std::remove(path_.c_str()); }

  std::string path_ =
      ::testing::TempDir() + "simpul_config_test_" + std::to_string(getpid()) + ".toml";
};

TEST_F(ConfigFile, IsRead) {
  write("[media]\nport = 1234\n");
  const auto config = load(path_);
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->media.port, 1234);
}

TEST_F(ConfigFile, IsNamedInErrors) {
  write("[media]\nport = -5\n");
  EXPECT_EQ(load(path_).error().text, path_ + ":2:8: media.port: must be 0 to 65535");
}

TEST_F(ConfigFile, HasALimit) {
  write(std::string(kFileSizeMax, '\n'));
  EXPECT_TRUE(load(path_));
  write(std::string(kFileSizeMax + 1, '\n'));
  EXPECT_EQ(load(path_).error().text, path_ + ": is too large for a configuration");
}

TEST_F(ConfigFile, ThatIsMissingOrAFolderIsAnError) {
  EXPECT_EQ(load("/nonexistent/simpuld.toml").error().text,
            "/nonexistent/simpuld.toml: cannot be opened");
  EXPECT_FALSE(load(::testing::TempDir()));
}

}  // namespace
}  // namespace simpul::config
