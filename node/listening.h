#pragma once

#include <vector>

#include "base/address.h"

namespace simpul::node {

// What is to be bound: a kernel without IPv6 serves IPv4, and the other way round, unless nothing
// would be left.
std::vector<Address> listened(const std::vector<Address>& configured);

}  // namespace simpul::node
