#pragma once

#include <string>

#include "control/engine.h"
#include "control/router.h"

namespace simpul::control {

// The stream of events of a WHIP session, by which its publisher learns which layers somebody
// watches (server-sent events, as WHATWG HTML has them): `layers`, for each line with several
// layers, of all of them. It is found by a link of the answer to the offer (RFC 9725 §4.9).
void add_layers_routes(Router& router, Engine& engine);

// The link to the stream of the session at `location`.
Header layers_link(const std::string& location);
// The events that say all of it.
std::string layers_events(const node::WantedLayers& wanted);

}  // namespace simpul::control
