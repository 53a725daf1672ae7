#pragma once

#include <cstddef>
#include <cstdint>

namespace simpul {

// A hint to the processor: these bytes are needed soon. Whoever goes from one connection to the
// next finds nothing of it in the cache, and would wait for each line in its turn; what was asked
// for a few connections ahead is there. Changes nothing but time, and may be given for any address.
inline void prefetch(const void* begin, size_t size = 1) {
  if (begin == nullptr) return;
  constexpr uintptr_t kLine = 64;
  const char* const first = static_cast<const char*>(begin);
  const char* line = first - reinterpret_cast<uintptr_t>(first) % kLine;
  for (; line < first + size; line += kLine) __builtin_prefetch(line);
}

}  // namespace simpul
