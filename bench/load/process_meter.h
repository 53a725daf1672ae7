#pragma once

#include <cstdint>
#include <string>

namespace simpul::load {

// What a process of this machine has used so far, read from /proc.
struct ProcessUsage {
  bool there = false;
  double cpu_seconds = 0;   // user and system
  double wait_seconds = 0;  // of its first thread: ready to run, and not running
  uint64_t resident_bytes = 0;
};

// Zeros when there is no such process, or it has ended.
ProcessUsage read_usage(int pid);

}  // namespace simpul::load
