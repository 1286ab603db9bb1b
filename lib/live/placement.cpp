#include "live/placement.h"

#include <fmt/format.h>
#include <sched.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace alertbench {

std::vector<int> allowed_cpus(int process) {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(process, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
  return cpus;
}

std::vector<int> pin_thread(const std::string& key, int first, int count, const std::vector<int>& otherwise) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (first < 0)
    for (const int cpu : otherwise) CPU_SET(static_cast<size_t>(cpu), &set);
  else
    for (int cpu = first; cpu < first + count; ++cpu) CPU_SET(static_cast<size_t>(cpu), &set);
  const bool done = sched_setaffinity(0, sizeof set, &set) == 0;
  const int error = errno;
  const std::vector<int> now = allowed_cpus();
  if (!done || static_cast<int>(now.size()) != CPU_COUNT(&set))
    throw EnvironmentError(fmt::format("placement: {} {}, {} of them: not possible here ({}); the processors allowed are {}. Choose others with "
                                       "--set placement.{}=N (-1: do not pin)", key, first, count,
                                       done ? "too few processors" : std::strerror(error), fmt::join(otherwise, ", "), key));
  return now;
}

}  // namespace alertbench
