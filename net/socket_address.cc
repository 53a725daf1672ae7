#include "net/socket_address.h"

#include <uv.h>

#include <cstring>

namespace simpul::net {
namespace {

constexpr size_t kMappedPrefixSize = 12;

}  // namespace

socklen_t store_address(const Address& from, SocketAddress& to) {
  if (from.is_v4()) {
    to.v4 = {};
    to.v4.sin_family = AF_INET;
    to.v4.sin_port = htons(from.port);
    std::memcpy(&to.v4.sin_addr, from.ip.data() + kMappedPrefixSize, sizeof to.v4.sin_addr);
    return sizeof to.v4;
  }
  to.v6 = {};
  to.v6.sin6_family = AF_INET6;
  to.v6.sin6_port = htons(from.port);
  std::memcpy(&to.v6.sin6_addr, from.ip.data(), sizeof to.v6.sin6_addr);
  return sizeof to.v6;
}

Address load_address(const SocketAddress& from) {
  if (from.any.sa_family == AF_INET) {
    std::array<uint8_t, 4> ip{};
    std::memcpy(ip.data(), &from.v4.sin_addr, ip.size());
    return Address::v4(ip, ntohs(from.v4.sin_port));
  }
  Address address;
  if (from.any.sa_family == AF_INET6) {
    std::memcpy(address.ip.data(), &from.v6.sin6_addr, address.ip.size());
    address.port = ntohs(from.v6.sin6_port);
  }
  return address;
}

const char* error_text(int error) { return uv_strerror(uv_translate_sys_error(error)); }

}  // namespace simpul::net
