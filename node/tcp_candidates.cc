#include "node/tcp_candidates.h"

#include <algorithm>

namespace simpul::node {
namespace {

// RFC 6544 §4.2: the type preference keeps TCP behind UDP, the direction preference is that of a
// passive host candidate.
uint32_t priority_of(size_t place) {
  constexpr uint32_t kTypePreference = 90;
  constexpr uint32_t kDirectionPreference = 4;
  constexpr uint32_t kOtherMax = 8191;
  const uint32_t other = kOtherMax - static_cast<uint32_t>(std::min<size_t>(place, kOtherMax));
  return kTypePreference << 24 | (kDirectionPreference << 13 | other) << 8 | 255;
}

}  // namespace

void append_tcp_candidates(std::vector<sdp::Candidate>& candidates, uint16_t port) {
  std::vector<Address> addresses;
  for (const sdp::Candidate& candidate : candidates) {
    Address address = candidate.address;
    address.port = port;
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  for (size_t place = 0; place < addresses.size(); ++place) {
    candidates.push_back({.address = addresses[place],
                          .priority = priority_of(place),
                          .transport = sdp::Transport::kTcpPassive});
  }
}

}  // namespace simpul::node
