#pragma once

#include "base/bytes.h"

namespace simpul::crypto {

// Overwrites key material with zeros, in a way that the compiler does not leave out.
void wipe(MutableBytes secret);

// Compares without telling by its time where the difference is. Sizes are no secret.
[[nodiscard]] bool constant_time_equal(Bytes a, Bytes b);

}  // namespace simpul::crypto
