#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/expected.h"
#include "base/log.h"
#include "base/time.h"

namespace simpul::config {

struct Http {
  Address listen = Address::v4({127, 0, 0, 1}, 8080);
  std::vector<std::string> allowed_origins;  // CORS; --dev allows all
};

// A STUN or TURN server for clients (RFC 7064, RFC 7065).
struct IceServer {
  std::vector<std::string> urls;
  std::string username = {};    // of TURN: printable ASCII
  std::string credential = {};  // of TURN: printable ASCII
};

struct Media {
  // Ports are 0 here. Of both families: all addresses of the machine.
  std::vector<Address> listen = {Address::v4({0, 0, 0, 0}, 0), Address{}};
  std::vector<Address> announce;  // told to clients instead of the bound ones (behind NAT)
  uint16_t port = 7700;           // UDP, one port per worker from here up; 0: any free ones
  uint16_t tcp_port = 7700;       // shared by all workers; 0: no ICE over TCP
  uint16_t workers = 0;           // 0: one per core
  bool pin_workers = false;
  bool spread_rooms = false;  // connections on any worker, at random: for measuring and tests
  bool gso_padding = true;    // the packets of a frame are padded into one message of the kernel
  bool gop_cache = true;      // who joins begins with a key frame of the last two seconds
  Duration idle_timeout = std::chrono::seconds(30);
  std::vector<IceServer> ice_servers;  // told to clients
};

struct Codecs {
  // Order is preference.
  std::vector<std::string> audio = {"opus", "red"};
  std::vector<std::string> video = {"vp8", "h264", "vp9", "av1"};
};

struct Log {
  log::Level level = log::Level::kInfo;
  log::Format format = log::Format::kText;
};

struct Limits {
  uint32_t rooms = 10000;
  uint32_t participants_per_room = 10000;
  uint32_t publishers_per_room = 100;
  uint32_t tracks_per_participant = 8;
  uint32_t bitrate_per_track = 10'000'000;  // bit/s that is taken from a publisher
  uint32_t speakers_per_room = 3;           // who are heard at once where more publish; 0: all
};

// What the TOML file says, with the defaults of what it leaves out.
struct Config {
  bool dev = false;
  Http http;
  Media media;
  Codecs codecs;
  Log log;
  Limits limits;
};

inline constexpr size_t kFileSizeMax = 256 * 1024;
inline constexpr size_t kAddressesMax = 16;
inline constexpr size_t kOriginsMax = 64;
// All of them are told in the headers of one answer.
inline constexpr size_t kIceServersMax = 4;
inline constexpr size_t kIceUrlsMax = 4;  // of one server

// Where and why a file was refused: "simpuld.toml:12:8: media.port: must be 0 to 65535".
struct ConfigError {
  std::string text;
};

// Reads and checks a whole file. Unknown keys are errors, so that a typo is not silently a default;
// so are keys of later versions, so that nobody believes in a TLS that is not there. parse() names
// the text `name` in its errors.
Expected<Config, ConfigError> load(const std::string& path);
Expected<Config, ConfigError> parse(std::string_view toml, std::string_view name);

}  // namespace simpul::config
