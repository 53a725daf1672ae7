#pragma once

#include <cstdint>
#include <string_view>

#include "base/expected.h"
#include "control/http_message.h"
#include "control/problem.h"
#include "node/node.h"

namespace simpul::control {

// The longest side of a picture, in pixels.
inline constexpr uint32_t kSideMax = 16'384;

// What a viewer wants of a slot, as JSON (a merge patch, RFC 7396):
//   {"width": 640, "height": 360, "priority": 1, "paused": false, "participant": "alice"}
// Each may be left out and stays as it was then; width and height come together, and null for both
// is a size that nobody knows; null for the participant is whoever speaks. Other names are refused.
Expected<node::ViewingChange, Problem> parse_viewing(std::string_view body);

// The same in a query, by the same rules, but for the participant (of the whole join).
Expected<relay::Viewing, Problem> parse_viewing(const Request& request);

}  // namespace simpul::control
