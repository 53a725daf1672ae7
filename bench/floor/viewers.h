#pragma once

#include "bench/floor/shape.h"
#include "bench/floor/sockets.h"

namespace simpul::floor_bench {

// Reads what comes to the viewers' sockets, and sends the relay as many sealed messages from each
// as the shape says: a few viewers' at a time, as those of simpul-load do.
[[noreturn]] void watch_for_ever(const Shape& shape, const Sockets& sockets,
                                 const LoopbackSocket& relay);

}  // namespace simpul::floor_bench
