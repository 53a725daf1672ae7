#pragma once

#include <cstddef>
#include <cstdint>

namespace simpul {

// A hint to the processor: these bytes are needed soon. Whoever goes from one connection to the
// next finds nothing of it in the cache, and would wait for each line in its turn; what was asked
// for a few connections ahead is there. Changes nothing but time, and may be given for any address.
inline void prefetch(const void* begin, size_t size = 1) {
  constexpr uintptr_t kLine = 64;
  const auto first = reinterpret_cast<uintptr_t>(begin);
  for (uintptr_t line = first / kLine * kLine; line < first + size; line += kLine) {
    __builtin_prefetch(reinterpret_cast<const void*>(line));
  }
}

}  // namespace simpul
