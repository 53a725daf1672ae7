#pragma once

#include <cstddef>

namespace simpul::testing {

// How many bytes this program holds by operator new and in OpenSSL.
size_t memory_in_use();

}  // namespace simpul::testing
