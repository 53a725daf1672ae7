#include "net/interfaces.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "net/socket_address.h"

namespace simpul::net {
namespace {

bool is_usable(const ifaddrs& entry) {
  if (entry.ifa_addr == nullptr || (entry.ifa_flags & IFF_UP) == 0) return false;
  if (entry.ifa_addr->sa_family == AF_INET) return true;
  if (entry.ifa_addr->sa_family != AF_INET6) return false;
  sockaddr_in6 v6{};
  std::memcpy(&v6, entry.ifa_addr, sizeof v6);
  return !IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr);
}

}  // namespace

bool has_family_of(const Address& address) {
  const int fd = ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno != EAFNOSUPPORT;
  ::close(fd);
  return true;
}

std::vector<LocalAddress> local_addresses() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owned(first, freeifaddrs);
  std::vector<LocalAddress> addresses;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (!is_usable(*entry)) continue;
    SocketAddress address{};
    const bool v4 = entry->ifa_addr->sa_family == AF_INET;
    std::memcpy(&address, entry->ifa_addr, v4 ? sizeof address.v4 : sizeof address.v6);
    Address local = load_address(address);
    local.port = 0;
    addresses.push_back({entry->ifa_name, local});
  }
  return addresses;
}

}  // namespace simpul::net
