#pragma once

#include <cstdint>
#include <functional>

#include "base/address.h"

namespace simpul::ice {

// The way between one of our sockets and one address of the peer. `socket` is the caller's index
// of a local socket (or of an accepted TCP connection); nothing here looks behind it.
struct Path {
  uint32_t socket = 0;
  Address remote;

  friend bool operator==(const Path&, const Path&) = default;
};

// False for addresses that name no single host (unspecified, multicast, broadcast) and for port
// 0: nothing is ever sent there, whatever a packet claims to come from.
bool is_usable_destination(const Address& address);

}  // namespace simpul::ice

template <>
struct std::hash<simpul::ice::Path> {
  size_t operator()(const simpul::ice::Path& path) const noexcept {
    return std::hash<simpul::Address>{}(path.remote) ^
           size_t { path.socket } * 0x9E3779B97F4A7C15ull;
  }
};
