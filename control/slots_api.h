#pragma once

#include "control/engine.h"
#include "control/router.h"

namespace simpul::control {

// Adds what is asked and told of a slot: why it carries what it carries, and what its viewer wants
// of it; by participant under /v1, and for the viewer under the session's own address.
void add_slots_routes(Router& router, Engine& engine);

}  // namespace simpul::control
