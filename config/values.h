#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/time.h"

// The small languages inside a configuration's strings.
namespace simpul::config {

// "127.0.0.1:8080", "[::1]:8080".
std::optional<Address> parse_endpoint(std::string_view text);

// "500ms", "30s", "2m", "1h": a whole number and its unit, up to a year.
std::optional<Duration> parse_duration(std::string_view text);

// "stun:stun.example.org", "turns:192.0.2.1:443?transport=tcp": an ICE server (RFC 7064, RFC 7065),
// its scheme in lower case, at most 256 characters.
bool is_ice_url(std::string_view text);

// A user name or password for TURN: 1 to 256 printable ASCII characters, no question mark.
bool is_ice_secret(std::string_view text);

// "https://example.org", "http://localhost:5173": a scheme and a host with no path, as browsers
// send it.
bool is_origin(std::string_view text);

// The same text with question marks for what is beyond ASCII, which is of interest in comments
// only: toml++ 3.3 has undefined behaviour for some characters (U+FEDF outside strings). No value
// takes a question mark, so one that had such characters is refused all the same.
std::string ascii_of(std::string_view toml);

}  // namespace simpul::config
