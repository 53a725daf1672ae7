#include "daemon/systemd_notify.h"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace simpul::daemon {

void notify_ready(const std::string& status) {
  const std::string message = "READY=1\nSTATUS=" + status;
  sd_notify(0, message.c_str());
}

void notify_stopping() { sd_notify(0, "STOPPING=1"); }

void notify_alive() { sd_notify(0, "WATCHDOG=1"); }

std::optional<Duration> watchdog_interval() {
  uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return std::nullopt;
  return Duration(static_cast<int64_t>(microseconds));
}

}  // namespace simpul::daemon
