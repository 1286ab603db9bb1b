#include "contention/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_set>

namespace alertbench {

std::optional<Process> read_process(pid_t pid) {
  std::unique_ptr<FILE, int (*)(FILE*)> file(
      std::fopen(("/proc/" + std::to_string(pid) + "/stat").c_str(), "re"), std::fclose);
  char line[1024];
  if (!file || !std::fgets(line, sizeof line, file.get())) return std::nullopt;
  // The name stands in parentheses and may hold anything, further parentheses too.
  const char* rest = std::strrchr(line, ')');
  Process p;
  p.pid = pid;
  unsigned long user = 0, system = 0;
  long waited_user = 0, waited_system = 0;
  if (!rest || std::sscanf(rest + 1, " %c %d %d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &p.state,
                           &p.parent, &p.group, &user, &system, &waited_user, &waited_system) != 7)
    return std::nullopt;
  static const double ticks_per_s = static_cast<double>(sysconf(_SC_CLK_TCK));
  p.own_cpu_s = static_cast<double>(user + system) / ticks_per_s;
  p.waited_cpu_s = static_cast<double>(waited_user + waited_system) / ticks_per_s;
  return p;
}

std::vector<Process> read_processes() {
  std::vector<Process> all;
  std::unique_ptr<DIR, int (*)(DIR*)> proc(opendir("/proc"), closedir);
  if (!proc) return all;
  while (const dirent* entry = readdir(proc.get()))
    if (const pid_t pid = std::atoi(entry->d_name); pid > 0)
      if (auto process = read_process(pid)) all.push_back(*process);
  return all;
}

std::vector<Process> descendants(pid_t root) {
  const std::vector<Process> all = read_processes();
  std::unordered_set<pid_t> inside{root};
  std::vector<Process> found;
  for (bool grown = true; grown;) {
    grown = false;
    for (const Process& p : all)
      if (p.pid != root && inside.count(p.parent) && inside.insert(p.pid).second) {
        found.push_back(p);
        grown = true;
      }
  }
  return found;
}

}  // namespace alertbench
