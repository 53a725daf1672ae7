#pragma once

#include <string>
#include <string_view>

#include "control/engine.h"
#include "control/router.h"

namespace simpul::control {

// Whether the request's body is of this media type, whatever its parameters.
bool has_media_type(const Request& request, std::string_view type);

// Adds what the Location of a WHIP or WHEP session does (RFC 9725 §4): PATCH for trickled
// candidates and ICE restarts, DELETE for its end. Preconditions are settled here, ICE in the
// engine.
void add_session_routes(Router& router, Engine& engine, const std::string& pattern);

}  // namespace simpul::control
