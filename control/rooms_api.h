#pragma once

#include <cstdint>
#include <functional>

#include "control/engine.h"
#include "control/router.h"

namespace simpul::control {

// What a list gives at once, and what `limit` may ask for.
inline constexpr size_t kListDefault = 100;
inline constexpr size_t kListMax = 1000;

// Adds /v1 to the router: rooms and participants to list, show and end, and the node itself.
// Lists are in the order of their ids; `after` is the last id of the page before.
void add_rooms_routes(Router& router, Engine& engine, std::function<int64_t()> now_unix_ms);

}  // namespace simpul::control
