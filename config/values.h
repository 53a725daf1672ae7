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

// "https://example.org", "http://localhost:5173": a scheme and a host with no path, as browsers
// send it.
bool is_origin(std::string_view text);

}  // namespace simpul::config
