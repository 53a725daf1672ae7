#pragma once

#include <string>
#include <vector>

#include "base/address.h"

namespace simpul::net {

// An address of this machine; the port is 0.
struct LocalAddress {
  std::string interface;
  Address address;

  friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

// Whether the kernel has sockets of the address's family at all.
bool has_family_of(const Address& address);

// The addresses of all interfaces that are up, loopback included. IPv6 link-local ones are left
// out: they mean nothing without the interface that they belong to.
std::vector<LocalAddress> local_addresses();

}  // namespace simpul::net
