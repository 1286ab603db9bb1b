// Processes as /proc shows them. What ends while it is being read is omitted.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
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

// An entry for the environment of a process, whose name is unlike any other. What that process begins
// inherits it, whatever process group, session or parent it comes to.
std::string new_mark();

// Kills what is alive with this mark or in this process group (-1: none), and throws RunError where something
// is still there some seconds later, or where !reaped (a child of ours, already killed, could not be waited
// for). `whose` opens the message. Zombies do not count: orphans are reaped by process 1, or, in many a
// container, never. A process whose environment we may not read (another user's) is not seen by its mark.
void require_none_left(const std::string& mark, pid_t group, bool reaped, const std::string& whose);

}  // namespace alertbench
