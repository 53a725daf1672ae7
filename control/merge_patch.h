#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "base/expected.h"
#include "control/http_message.h"
#include "control/problem.h"

namespace simpul::control {

// Changes of a resource as a JSON object in which what is left out stays as it was (RFC 7396). A
// longer one is not read.
inline constexpr size_t kMergePatchSizeMax = 1'024;

// What OPTIONS tells of such a resource.
Header accept_patch();

// The answer to a request whose body is of another type; nothing when it may be read.
std::optional<Response> refuse_type(const Request& request);

Expected<nlohmann::json, Problem> read_merge_patch(std::string_view body);

// A field that the resource has not.
Problem unknown_field(std::string_view name);

}  // namespace simpul::control
