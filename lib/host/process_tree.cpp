#include "host/process_tree.h"

#include <dirent.h>
#include <fmt/format.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <unordered_set>

#include "base/error.h"

namespace alertbench {
namespace {

constexpr int kAttempts = 200;
constexpr useconds_t kAttempt_us = 10'000;

bool begun_with(const Process& p, const std::string& entry) {
  std::ifstream file(fmt::format("/proc/{}/environ", p.pid), std::ios::binary);
  for (std::string one; std::getline(file, one, '\0');)
    if (one == entry) return true;
  return false;
}

}  // namespace

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

std::string new_mark() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  static int marks = 0;
  return fmt::format("ALERT_CO_RUNNER_MARK_{}_{}_{}_{}=1", getpid(), now.tv_sec, now.tv_nsec, ++marks);
}

void require_none_left(const std::string& mark, pid_t group, bool reaped, const std::string& whose) {
  std::vector<Process> left;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    left.clear();
    for (const Process& p : read_processes())
      if (p.state != 'Z' && p.state != 'X' && (p.group == group || begun_with(p, mark))) left.push_back(p);
    if (left.empty()) break;
    for (const Process& p : left) kill(p.pid, SIGKILL);
    usleep(kAttempt_us);
  }
  std::string numbers;
  for (const Process& p : left) numbers += fmt::format(" {} (state {})", p.pid, p.state);
  if (!left.empty() || !reaped)
    throw RunError(
        fmt::format("{}: processes are still running and cannot be killed:{}; check what they are waiting "
                    "for (`ps -o pid,stat,wchan,args`), and end them by hand",
                    whose, left.empty() ? " not yet waited for" : numbers));
}

}  // namespace alertbench
