#pragma once

#include <span>
#include <vector>

#include "config/config.h"
#include "control/http_message.h"

namespace simpul::control {

// The STUN and TURN servers as Link headers, one for each URL (RFC 9725 §4.6). Whatever the names
// and passwords hold, each stays one value of one header.
std::vector<Header> ice_links(std::span<const config::IceServer> servers);

}  // namespace simpul::control
