#pragma once

#include <optional>
#include <string>

#include "base/time.h"

// What the service manager is told (sd_notify(3)). Without one, nothing happens.
namespace simpul::daemon {

void notify_ready(const std::string& status);
void notify_stopping();
void notify_alive();

// Within how long notify_alive() has to come again; absent when nobody waits for it.
std::optional<Duration> watchdog_interval();

}  // namespace simpul::daemon
