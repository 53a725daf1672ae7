#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace simpul::node {

// A worker takes new connections of the rooms that began on it while it has fewer than this:
// together they need no feeds between workers.
inline constexpr size_t kTogetherMax = 100;

// The worker for one more connection: its room's first one while that has room, else the one with
// the fewest. `connections` are counted by worker; there is at least one.
uint32_t place(std::optional<uint32_t> first_of_room, std::span<const size_t> connections,
               size_t together_max);

}  // namespace simpul::node
