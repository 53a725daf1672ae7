#include "daemon/process_limits.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/log.h"

namespace simpul::daemon {

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  rlimit raised = limit;
  raised.rlim_cur = raised.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &raised) != 0) {
    log::warning("descriptor_limit_kept", {{"descriptors", limit.rlim_cur}});
    return limit.rlim_cur;
  }
  return raised.rlim_cur;
}

void forbid_memory_dumps() {
  const rlimit none{};
  if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
    log::warning("memory_dumps_possible");
  }
}

}  // namespace simpul::daemon
