#pragma once

#include <cstdint>
#include <vector>

#include "sdp/negotiation.h"

namespace simpul::node {

// Appends a passive TCP candidate (RFC 6544) at `port` for each address that the UDP candidates
// name, in their order. Its priority is below all of UDP's (§4.2), falling with its place.
void append_tcp_candidates(std::vector<sdp::Candidate>& candidates, uint16_t port);

}  // namespace simpul::node
