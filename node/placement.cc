#include "node/placement.h"

#include <algorithm>

namespace simpul::node {

uint32_t place(std::optional<uint32_t> first_of_room, std::span<const size_t> connections,
               size_t together_max) {
  if (first_of_room && connections[*first_of_room] < together_max) return *first_of_room;
  return static_cast<uint32_t>(std::ranges::min_element(connections) - connections.begin());
}

}  // namespace simpul::node
