#include "ice/path.h"

namespace simpul::ice {

bool is_usable_destination(const Address& address) {
  if (address.port == 0 || address.is_unspecified()) return false;
  if (!address.is_v4()) {
    const bool is_multicast = address.ip[0] == 0xff;  // RFC 4291 §2.7
    return !is_multicast && !address.is_link_local();
  }
  const auto ip = std::span(address.ip).last<4>();
  if (ip[0] == 0) return false;  // "this network", RFC 1122 §3.2.1.3
  return ip[0] < 224;            // multicast, reserved and 255.255.255.255 lie above
}

}  // namespace simpul::ice
