#pragma once

#include <optional>
#include <string_view>

#include "base/expected.h"
#include "control/problem.h"

namespace simpul::control {

// What is to be another of a participant, as JSON (a merge patch, RFC 7396):
//   {"pinned": true}
// Nothing of it changes nothing; null is what everybody is at first: not pinned.
Expected<std::optional<bool>, Problem> parse_pin(std::string_view body);

}  // namespace simpul::control
