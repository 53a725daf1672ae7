#include "node/listening.h"

#include "base/log.h"
#include "net/interfaces.h"

namespace simpul::node {

std::vector<Address> listened(const std::vector<Address>& configured) {
  std::vector<Address> kept;
  for (const Address& address : configured) {
    if (!address.is_unspecified() || net::has_family_of(address)) kept.push_back(address);
  }
  if (kept.empty()) return configured;
  if (kept.size() < configured.size()) {
    log::warning("no_ip_family", {{"missing", kept.front().is_v4() ? "IPv6" : "IPv4"}});
  }
  return kept;
}

}  // namespace simpul::node
