#include "bench/load/process_meter.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

namespace simpul::load {

ProcessUsage read_usage(int pid) {
  ProcessUsage usage;
  const std::string folder = "/proc/" + std::to_string(pid);
  std::ifstream stat(folder + "/stat");
  std::string line;
  std::getline(stat, line);
  const size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return usage;
  std::istringstream rest(line.substr(name_end + 2));
  std::string skipped;
  // proc(5): the fields behind the name begin with number 3; utime and stime are 14 and 15.
  for (int field = 3; field < 14; ++field) rest >> skipped;
  double user = 0;
  double system = 0;
  rest >> user >> system;
  usage.cpu_seconds = (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  // Documentation/scheduler/sched-stats.rst: time on the CPU, then time waiting for it.
  double running = 0;
  double waiting = 0;
  std::ifstream(folder + "/schedstat") >> running >> waiting;
  usage.wait_seconds = waiting / 1e9;
  uint64_t total = 0;
  uint64_t resident = 0;
  std::ifstream(folder + "/statm") >> total >> resident;
  usage.there = resident > 0;  // of one that has ended, and is still listed, nothing is
  usage.resident_bytes = resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return usage;
}

}  // namespace simpul::load
