#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/address.h"

namespace simpul::net {

// Room for an address of either family, as the kernel has it.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

// Fills `to` and gives its length. An IPv4 address becomes AF_INET, anything else AF_INET6.
socklen_t store_address(const Address& from, SocketAddress& to);
Address load_address(const SocketAddress& from);

// What the error (an errno) is called, in small letters.
const char* error_text(int error);

}  // namespace simpul::net
