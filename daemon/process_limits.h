#pragma once

#include <cstdint>

namespace simpul::daemon {

// Raises the number of descriptors that may be open to the most that the system allows this
// process, and returns it.
uint64_t raise_descriptor_limit();

// No core files, and no other process of the same user may read this one's memory: it holds the
// keys of every call.
void forbid_memory_dumps();

}  // namespace simpul::daemon
