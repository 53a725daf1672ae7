#pragma once

#include <vector>

#include "control/engine.h"
#include "control/router.h"

namespace simpul::control {

// Adds WHIP (RFC 9725) and WHEP to the router: an offer comes in by POST, the answer goes out with
// the Location of the session (session_api.h) and the links of ICE servers. The engine decides who
// may join.
void add_join_routes(Router& router, Engine& engine, const std::vector<Header>& links);

}  // namespace simpul::control
