#pragma once

#include "control/engine.h"
#include "control/router.h"

namespace simpul::control {

// Adds WHIP (RFC 9725) and WHEP to the router: an offer comes in by POST, the answer goes out with
// the Location of the session, and DELETE there ends it. The engine decides who may join.
void add_join_routes(Router& router, Engine& engine);

}  // namespace simpul::control
