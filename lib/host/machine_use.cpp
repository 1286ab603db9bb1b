#include "host/machine_use.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/or_null.h"
#include "host/process_tree.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

constexpr double least_wall_s = 0.2, most_foreign = 0.05, most_steal = 0.01;
constexpr const char* quota_remedy =
    "raise the quota (cgroup cpu.max or cpu.cfs_quota_us, docker --cpus, Kubernetes limits.cpu)";
constexpr double least_clock_step_s = 1;  // below, it may have been slewed, as time daemons do

double seconds_of(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double processor_s_of(int who) {
  rusage use{};
  getrusage(who, &use);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(use.ru_utime) + seconds(use.ru_stime);
}

std::optional<int64_t> throttle_events(const std::string& cpus) {
  std::optional<int64_t> sum;
  std::error_code error;
  for (fs::directory_iterator entry(cpus, error), end; !error && entry != end; entry.increment(error))
    for (const char* name : {"core_throttle_count", "package_throttle_count"}) {
      std::ifstream file(entry->path() / "thermal_throttle" / name);
      if (int64_t count = 0; file >> count) sum = sum.value_or(0) + count;
    }
  return sum;
}

std::string name_of(int pid) {
  std::ifstream file(fmt::format("/proc/{}/comm", pid));
  std::string name;
  std::getline(file, name);
  return name.empty() ? "?" : name;
}

}  // namespace

MachineUse read_machine_use(const std::string& root) {
  MachineUse use;
  use.at_s = seconds_of(CLOCK_MONOTONIC);
  use.suspended_s = seconds_of(CLOCK_BOOTTIME) - use.at_s;
  use.booted_at_s = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME);
  use.processors = static_cast<int>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  if (const auto time = read_processor_time(root);
      time && time->busy_s > 0) {  // some containers show only zeros
    use.busy_s = time->busy_s;
    use.steal_s = time->steal_s;
  }
  use.throttle_events = throttle_events(root + "/sys/devices/system/cpu");
  use.cgroup = read_cgroup_limits(root);
  use.own_s = processor_s_of(RUSAGE_SELF) + processor_s_of(RUSAGE_CHILDREN);
  std::set<int> own{getpid()};
  for (const Process& p : descendants(getpid())) {
    use.own_s += p.own_cpu_s + p.waited_cpu_s;
    own.insert(p.pid);
  }
  for (const Process& p : read_processes())
    if (own.count(p.pid) == 0) use.others[p.pid] = {name_of(p.pid), p.own_cpu_s};
  return use;
}

Disturbance between(const MachineUse& before, const MachineUse& after) {
  Disturbance d;
  d.wall_s = after.at_s - before.at_s;
  // The two clocks of each moment are read one after the other: below a tenth of a second it is that.
  if (const double slept_s = after.suspended_s - before.suspended_s; slept_s > 0.1) d.suspended_s = slept_s;
  if (const double step_s = after.booted_at_s - before.booted_at_s; std::abs(step_s) >= least_clock_step_s)
    d.clock_step_s = step_s;
  if (before.throttle_events && after.throttle_events)
    d.throttle_events = *after.throttle_events - *before.throttle_events;
  const CgroupLimits &then = before.cgroup, &now = after.cgroup;
  d.cpu_quota = now.cpu_quota;
  if (now.throttled_periods && then.throttled_periods)
    d.quota_throttled_periods = *now.throttled_periods - *then.throttled_periods;
  if (now.throttled_s && then.throttled_s) d.quota_throttled_s = *now.throttled_s - *then.throttled_s;
  if (d.wall_s < least_wall_s) return d;
  const double all_s = d.wall_s * after.processors;
  if (before.busy_s && after.busy_s)
    d.foreign_share = std::max(0.0, (*after.busy_s - *before.busy_s) - (after.own_s - before.own_s)) / all_s;
  if (before.steal_s && after.steal_s) d.steal_share = (*after.steal_s - *before.steal_s) / all_s;
  std::vector<std::pair<double, std::string>> others;
  for (const auto& [pid, other] : after.others) {
    const auto was = before.others.find(pid);
    const double share = (other.cpu_s - (was == before.others.end() ? 0 : was->second.cpu_s)) / d.wall_s;
    if (share >= 0.01)
      others.emplace_back(share, fmt::format("{} (process {}): {:.0f} %", other.name, pid, 100 * share));
  }
  std::sort(others.rbegin(), others.rend());
  for (size_t i = 0; i < std::min<size_t>(3, others.size()); ++i) d.busiest.push_back(others[i].second);
  return d;
}

nlohmann::ordered_json to_json(const Disturbance& d) {
  return {{"wall_s", d.wall_s},
          {"foreign_share", or_null(d.foreign_share)},
          {"steal_share", or_null(d.steal_share)},
          {"throttle_events", or_null(d.throttle_events)},
          {"cpu_quota", or_null(d.cpu_quota)},
          {"quota_throttled_periods", or_null(d.quota_throttled_periods)},
          {"quota_throttled_s", or_null(d.quota_throttled_s)},
          {"suspended_s", d.suspended_s},
          {"clock_step_s", d.clock_step_s},
          {"busiest_others", d.busiest}};
}

std::vector<std::string> noise_warnings(const Disturbance& d) {
  std::vector<std::string> all;
  if (d.foreign_share.value_or(0) > most_foreign)
    all.push_back(
        fmt::format("noise: other processes used {:.0f} % of the processors over {:.1f} s{}; end them, or "
                    "choose processors that they do not use",
                    100 * *d.foreign_share, d.wall_s,
                    d.busiest.empty() ? "" : fmt::format(" ({})", fmt::join(d.busiest, ", "))));
  if (d.steal_share.value_or(0) > most_steal)
    all.push_back(fmt::format("noise: the hypervisor took {:.1f} % of the processors over {:.1f} s (steal)",
                              100 * *d.steal_share, d.wall_s));
  if (d.throttle_events.value_or(0) > 0)
    all.push_back(fmt::format(
        "noise: the processor overheated and throttled itself {} times; cool it, or choose lower caps",
        *d.throttle_events));
  if (d.quota_throttled_periods.value_or(0) > 0)
    all.push_back(fmt::format(
        "noise: the CPU quota of this container or job ({:.3g} processors) was used up in {} "
        "periods within {:.1f} s, and the run was stopped{}; {}",
        d.cpu_quota.value_or(0), *d.quota_throttled_periods, d.wall_s,
        d.quota_throttled_s ? fmt::format(" for {:.2f} s", *d.quota_throttled_s) : "", quota_remedy));
  if (d.clock_step_s != 0)
    all.push_back(
        fmt::format("the wall clock was set {} by {:.1f} s during the run: latencies do not depend on it, "
                    "but times of day before and after are not consistent",
                    d.clock_step_s > 0 ? "forward" : "back", std::abs(d.clock_step_s)));
  return all;
}

std::vector<std::string> quota_warnings(const CgroupLimits& limits, int processors) {
  if (!limits.cpu_quota || *limits.cpu_quota >= processors) return {};
  return {
      fmt::format("noise: the CPU quota of this container or job is {:.3g} processors, fewer than the {} "
                  "that will be busy: the run is stopped whenever the quota is used up; {}",
                  *limits.cpu_quota, processors, quota_remedy)};
}

std::vector<std::string> noise_warnings(const Host& host) {
  std::vector<std::string> all;
  if (host.governor && *host.governor != "performance")
    all.push_back(
        fmt::format("noise: governor {}: the clock frequency follows the load; fix it with `cpupower "
                    "frequency-set -g performance`",
                    *host.governor));
  if (host.temperature_c && host.temperature_limit_c && *host.temperature_c > *host.temperature_limit_c - 5)
    all.push_back(fmt::format("noise: {} C, the limit is {} C: the processor is about to throttle itself",
                              *host.temperature_c, *host.temperature_limit_c));
  return all;
}

}  // namespace alertbench
