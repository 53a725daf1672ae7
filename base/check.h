#pragma once

#include <cstdio>
#include <cstdlib>

// A broken invariant of ours: say where, and end the process at once (the service manager starts
// it again). Never for what a peer can cause.
#define SIMPUL_CHECK(condition)                                                          \
  do {                                                                                   \
    if (!(condition)) [[unlikely]] {                                                     \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)
