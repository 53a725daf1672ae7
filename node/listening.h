#pragma once

#include <string>
#include <vector>

#include "base/address.h"
#include "sdp/negotiation.h"

namespace simpul::node {

// What is to be bound: a kernel without IPv6 serves IPv4, and the other way round, unless nothing
// would be left.
std::vector<Address> listened(const std::vector<Address>& configured);

// The candidates' addresses, for the log.
std::string listed(const std::vector<sdp::Candidate>& candidates);

}  // namespace simpul::node
