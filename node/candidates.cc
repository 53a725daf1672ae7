#include "node/candidates.h"

#include <algorithm>

#include "net/interfaces.h"

namespace simpul::node {
namespace {

// A host candidate's priority (RFC 8445 §5.1.2.1), falling with its place in the list.
uint32_t udp_priority(size_t place) {
  constexpr uint32_t kHostType = 126;
  return kHostType << 24 | static_cast<uint32_t>(65535 - std::min<size_t>(place, 65535)) << 8 | 255;
}

// RFC 6544 §4.2: the type preference keeps TCP behind UDP, the direction preference is that of a
// passive host candidate.
uint32_t tcp_priority(size_t place) {
  constexpr uint32_t kTypePreference = 90;
  constexpr uint32_t kDirectionPreference = 4;
  constexpr uint32_t kOtherMax = 8191;
  const uint32_t other = kOtherMax - static_cast<uint32_t>(std::min<size_t>(place, kOtherMax));
  return kTypePreference << 24 | (kDirectionPreference << 13 | other) << 8 | 255;
}

// The addresses behind a bound one: itself, or all of the machine's when it is unspecified. Only
// --dev tells clients about loopback.
std::vector<Address> reachable(const Address& bound, bool dev) {
  if (!bound.is_unspecified()) return {bound};
  std::vector<Address> found;
  for (const net::LocalAddress& local : net::local_addresses()) {
    Address address = local.address;
    if (address.is_v4() != bound.is_v4() || (address.is_loopback() && !dev)) continue;
    address.port = bound.port;
    found.push_back(address);
  }
  return found;
}

}  // namespace

std::vector<sdp::Candidate> udp_candidates(const std::vector<Address>& bound,
                                           const std::vector<Address>& announced, bool dev) {
  std::vector<Address> addresses;
  for (Address address : announced) {
    address.port = bound.front().port;  // all of a worker's have one port
    addresses.push_back(address);
  }
  if (announced.empty()) {
    for (const Address& address : bound) {
      for (const Address& found : reachable(address, dev)) addresses.push_back(found);
    }
  }
  std::vector<sdp::Candidate> candidates;
  candidates.reserve(addresses.size());
  for (const Address& address : addresses) {
    candidates.push_back({.address = address, .priority = udp_priority(candidates.size())});
  }
  return candidates;
}

void append_tcp_candidates(std::vector<sdp::Candidate>& candidates, uint16_t port) {
  std::vector<Address> addresses;
  for (const sdp::Candidate& candidate : candidates) {
    Address address = candidate.address;
    address.port = port;
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  for (size_t place = 0; place < addresses.size(); ++place) {
    candidates.push_back({.address = addresses[place],
                          .priority = tcp_priority(place),
                          .transport = sdp::Transport::kTcpPassive});
  }
}

std::string addresses_text(const std::vector<sdp::Candidate>& candidates) {
  std::string text;
  for (const sdp::Candidate& candidate : candidates) {
    text.append(text.empty() ? "" : ",").append(candidate.address.ip_text());
  }
  return text;
}

}  // namespace simpul::node
