#pragma once

#include "config/config.h"
#include "daemon/options.h"

namespace simpul::daemon {

// Runs the node and its HTTP server until SIGTERM or SIGINT. When both serve, one line goes to
// standard output and the service manager is told.
ExitStatus serve(const config::Config& config);

}  // namespace simpul::daemon
