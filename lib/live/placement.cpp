#include "live/placement.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"
#include "contention/kinds.h"

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

std::vector<int> threads_of_core(int cpu, const std::string& root) {
  std::ifstream file(fmt::format("{}/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", root, cpu));
  std::vector<int> cpus;
  char separator = ',';
  for (int first = 0; separator == ',' && file >> first;) {
    int last = first;
    if (file >> separator && separator == '-') {
      file >> last;
      if (!(file >> separator)) separator = '\n';
    }
    for (int c = first; c <= last; ++c) cpus.push_back(c);
  }
  return cpus;
}

std::string cpu_list(const std::vector<int>& cpus) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < cpus.size();) {
    size_t end = i + 1;
    while (end < cpus.size() && cpus[end] == cpus[end - 1] + 1) ++end;
    parts.push_back(end - i == 1 ? std::to_string(cpus[i]) : fmt::format("{}-{}", cpus[i], cpus[end - 1]));
    i = end;
  }
  return fmt::format("{}", fmt::join(parts, ","));
}

Placement choose_processors(const Scenario& scenario, const std::vector<int>& allowed,
                            const std::string& root) {
  Placement placement{scenario, {}};
  Scenario& s = placement.scenario;
  if (allowed.empty()) return placement;  // not known here
  const auto in = [](const std::vector<int>& cpus, int cpu) {
    return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
  };
  const std::string those = fmt::format(
      "those that this process may use are {} (taskset, Slurm, or the container's cpuset decides)",
      cpu_list(allowed));
  const auto refuse = [&](const std::string& key, const std::string& what, const std::string& mend) {
    throw EnvironmentError(fmt::format("{}: placement: {}: {}; {}. {}", s.path, key, what, those, mend));
  };
  const auto all_allowed = [&](int first, int count) {
    for (int cpu = first; cpu < first + count; ++cpu)
      if (!in(allowed, cpu)) return false;
    return true;
  };
  if (static_cast<int>(allowed.size()) < s.threads && s.inference_cpu >= 0)
    refuse("threads", fmt::format("{} threads need as many processors", s.threads),
           fmt::format("Choose --set placement.threads={}", allowed.size()));
  if (s.inference_cpu_named && s.inference_cpu >= 0 && !all_allowed(s.inference_cpu, s.threads))
    refuse("inference_cpu",
           s.threads == 1 ? fmt::format("processor {} cannot be used", s.inference_cpu)
                          : fmt::format("processors {} to {} cannot all be used", s.inference_cpu,
                                        s.inference_cpu + s.threads - 1),
           "Choose another with --set placement.inference_cpu=N, or omit it");
  if (!s.inference_cpu_named) {
    const auto first =
        std::find_if(allowed.begin(), allowed.end(), [&](int cpu) { return all_allowed(cpu, s.threads); });
    s.inference_cpu = first == allowed.end() ? -1 : *first;
    if (s.inference_cpu < 0)
      placement.notes.push_back(fmt::format(
          "placement: no {} consecutive processors may be used ({}): the inference may run on any of them",
          s.threads, cpu_list(allowed)));
  }
  std::vector<int> inference, cores;  // cores: all threads of the inference's
  if (s.inference_cpu >= 0)
    for (int cpu = s.inference_cpu; cpu < s.inference_cpu + s.threads; ++cpu) {
      inference.push_back(cpu);
      const std::vector<int> core = threads_of_core(cpu, root);
      for (const int other : inference)
        if (other != cpu && in(core, other))
          placement.notes.push_back(fmt::format(
              "placement: processors {} and {} of the inference are threads of one core", other, cpu));
      cores.insert(cores.end(), core.begin(), core.end());
    }
  if (!s.other_cpu_named) {
    s.other_cpu = -1;
    for (const bool another_core : {true, false})
      for (const int cpu : allowed)
        if (s.other_cpu < 0 && !in(inference, cpu) && !(another_core && in(cores, cpu))) s.other_cpu = cpu;
  }
  const bool needs_other =
      co_runner_kind(s.co_runner.kind).pinning == Pinning::other ||
      (co_runner_kind(s.co_runner.kind).pinning == Pinning::both && scenario.co_runner_workers() > 1);
  if (needs_other && s.other_cpu < 0 && !s.other_cpu_named)
    refuse("other_cpu",
           fmt::format("the co-runner \"{}\" needs a processor beside the inference's", s.co_runner.kind),
           "Allow one more, or choose --set placement.other_cpu=-1 (the kernel decides)");
  if (needs_other && s.other_cpu >= 0 && !in(allowed, s.other_cpu))
    refuse("other_cpu", fmt::format("processor {} cannot be used", s.other_cpu),
           "Choose another with --set placement.other_cpu=N, or omit it");
  if (s.harness_cpu >= 0 && !in(allowed, s.harness_cpu))
    refuse("harness_cpu", fmt::format("processor {} cannot be used", s.harness_cpu),
           "Choose another with --set placement.harness_cpu=N, or omit it");
  if (needs_other && s.other_cpu >= 0 && in(cores, s.other_cpu) && !in(inference, s.other_cpu))
    placement.notes.push_back(fmt::format(
        "placement: processor {} of the co-runner is a thread of the core that the inference runs on",
        s.other_cpu));
  return placement;
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
    throw EnvironmentError(
        fmt::format("placement: {} {}, {} of them: cannot be used ({}); the processors allowed are {}. "
                    "Choose others with "
                    "--set placement.{}=N (-1: do not pin)",
                    key, first, count, done ? "too few processors" : std::strerror(error),
                    fmt::join(otherwise, ", "), key));
  return now;
}

}  // namespace alertbench
