#include "live/placement.h"

#include <fmt/format.h>
#include <sched.h>

#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace alertbench {

std::vector<int> allowed_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) == 0)
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu)
      if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
  return cpus;
}

std::vector<int> pin_inference(int first, int count) {
  if (first < 0) return allowed_cpus();
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu = first; cpu < first + count; ++cpu) CPU_SET(static_cast<size_t>(cpu), &set);
  const bool done = sched_setaffinity(0, sizeof set, &set) == 0;
  const std::vector<int> now = allowed_cpus();
  if (!done || static_cast<int>(now.size()) != count)
    throw EnvironmentError(fmt::format("placement: inference_cpu {}, threads {}: not possible here ({}); the processors allowed "
                                       "are {}. Choose others with --set placement.inference_cpu=N (-1: do not pin)",
                                       first, count, done ? "too few processors" : std::strerror(errno), fmt::join(now, ", ")));
  return now;
}

}  // namespace alertbench
