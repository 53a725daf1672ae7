#pragma once

#include <absl/hash/hash.h>

#include <cstddef>

#include "ice/path.h"

namespace simpul::node {

// Spreads the paths of guests behind one address, which differ in the port alone, over all bits:
// a flat table takes its place from some of them and its tag from others. Seeded by the process, so
// that nobody chooses ports that meet.
struct PathHash {
  size_t operator()(const ice::Path& path) const {
    const std::span<const uint8_t, 16> ip(path.remote.ip);
    return absl::HashOf(load_be64(ip.first<8>()), load_be64(ip.last<8>()), path.remote.port,
                        path.socket, path.local);
  }
};

}  // namespace simpul::node
