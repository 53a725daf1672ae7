#pragma once

#include <sys/resource.h>

#include <cstddef>

namespace simpul::peer {

// Lets this process have as many descriptors as it may, for the sockets of a crowd; how many that
// is.
inline size_t raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace simpul::peer
