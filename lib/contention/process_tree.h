// Processes as /proc shows them. What ends while it is being read is left out.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

namespace alertbench {

struct Process {
  pid_t pid = 0, parent = 0, group = 0;
  char state = '?';         // as in proc(5); 'Z' is a zombie: ended, not yet waited for
  double own_cpu_s = 0;     // user and system, in steps of a clock tick (10 ms)
  double waited_cpu_s = 0;  // of the children it has waited for, and of theirs
};

std::optional<Process> read_process(pid_t pid);
std::vector<Process> read_processes();

// All below root, zombies too, without root itself.
std::vector<Process> descendants(pid_t root);

}  // namespace alertbench
