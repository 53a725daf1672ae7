#pragma once

#include <cstddef>

namespace simpul::testing {

// How often this program has called operator new.
size_t allocations();

}  // namespace simpul::testing
