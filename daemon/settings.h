#pragma once

#include <string>

#include "base/expected.h"
#include "config/config.h"
#include "daemon/options.h"

namespace simpul::daemon {

// The configuration that the options ask for: the file's or the defaults, checked against what may
// be served. The error is one line for standard error.
//
// HTTP is served on loopback only, with or without --dev: calls are not authenticated, so whoever
// reached the port could watch every room.
Expected<config::Config, std::string> settle(const Options& options);

}  // namespace simpul::daemon
