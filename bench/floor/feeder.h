#pragma once

#include "bench/floor/shape.h"
#include "bench/floor/sockets.h"

namespace simpul::floor_bench {

// A key that is the same on both sides of a session.
dtls::SrtpMasterKey master_key(dtls::SrtpProfile profile, uint8_t number);
// Of a viewer, in both directions.
dtls::SrtpMasterKey viewer_key(dtls::SrtpProfile profile, size_t viewer);

// Sends what publishers send, sealed, at its pace, each packet by a call of its own.
[[noreturn]] void feed_for_ever(const Shape& shape, const LoopbackSocket& to);

}  // namespace simpul::floor_bench
