#pragma once

#include <cstdint>

#include "base/address.h"

namespace simpul::ice {

// The way between one of our addresses and one of the peer's. `socket` is the caller's index of a
// local socket (or of an accepted TCP connection), `local` its number for one of that socket's
// addresses; nothing here looks behind them.
struct Path {
  uint32_t socket = 0;
  Address remote;
  uint16_t local = 0;

  friend bool operator==(const Path&, const Path&) = default;
};

// False for addresses that name no single host (unspecified, multicast, broadcast, and IPv6
// link-local ones, which mean a host only with an interface) and for port 0: nothing is ever sent
// there, whatever a packet claims to come from.
bool is_usable_destination(const Address& address);

}  // namespace simpul::ice
