#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"
#include "sdp/negotiation.h"

namespace simpul::node {

// What clients are told of a worker that has bound these addresses, all with one port: the
// announced ones if there are any, else the bound ones; all of the machine's in place of an
// unspecified one, those of loopback only in development.
std::vector<sdp::Candidate> udp_candidates(const std::vector<Address>& bound,
                                           const std::vector<Address>& announced, bool dev);

// Appends a passive TCP candidate (RFC 6544) at `port` for each address that the UDP candidates
// name, in their order. Its priority is below all of UDP's (§4.2), falling with its place.
void append_tcp_candidates(std::vector<sdp::Candidate>& candidates, uint16_t port);

// Their addresses without ports, for the log.
std::string addresses_text(const std::vector<sdp::Candidate>& candidates);

}  // namespace simpul::node
