#pragma once

#include <tl/expected.hpp>

namespace simpul {

// The one place that names the library: becomes std::expected with C++23.
template <class T, class E>
using Expected = tl::expected<T, E>;
using tl::unexpected;

}  // namespace simpul
