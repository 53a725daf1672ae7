#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/expected.h"
#include "control/http_message.h"

namespace simpul::control {

struct Target {
  std::string host;  // only of an absolute target
  std::vector<std::string> path;
  std::vector<Parameter> query;
};

inline constexpr size_t kParametersMax = 32;

// Takes a request target apart (RFC 9112 §3.2: origin-form and absolute-form) and decodes it. The
// error is a sentence. Each segment is decoded by itself and afterwards must not hold a slash, a
// backslash or a control character, nor be a dot segment: no decoded path leads anywhere else.
Expected<Target, std::string> parse_target(std::string_view text);

// Ids of rooms and participants: 1 to 64 of A-Z a-z 0-9 _ . - and no dot segment.
bool is_valid_id(std::string_view text);

}  // namespace simpul::control
