#include "net/thread.h"

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <string>

namespace simpul::net {

bool pin_this_thread(unsigned cpu) {
  if (cpu >= CPU_SETSIZE) return false;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0;
}

void name_this_thread(std::string_view name) {
  constexpr size_t kNameMax = 15;  // the kernel's TASK_COMM_LEN, without the end
  pthread_setname_np(pthread_self(), std::string(name.substr(0, kNameMax)).c_str());
}

bool lower_this_thread(int steps) {
  // Linux has a nice value for each thread (sched(7)), and cuts what is too large.
  const auto thread = static_cast<id_t>(gettid());
  return setpriority(PRIO_PROCESS, thread, getpriority(PRIO_PROCESS, thread) + steps) == 0;
}

}  // namespace simpul::net
