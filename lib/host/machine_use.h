// What else used the processors while something was measured, and what the hardware did about heat: counters
// since boot, read at two moments. What cannot be known is empty, never guessed.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/cgroup.h"
#include "host/host.h"

namespace alertbench {

struct MachineUse {
  double at_s = 0;         // CLOCK_MONOTONIC
  double suspended_s = 0;  // the machine slept for so long since boot (CLOCK_BOOTTIME continues then)
  double booted_at_s = 0;  // the wall clock's time of boot: changes where somebody sets that clock
  int processors = 0;
  std::optional<double> busy_s, steal_s;  // all processors together; steal: time a hypervisor took
  double own_s = 0;  // of busy_s: this process and all below it, also what ended and was waited for
  std::optional<int64_t> throttle_events;  // of cores and packages, for heat
  CgroupLimits cgroup;                     // of the container or job that this process is in
  struct Other {
    std::string name;
    double cpu_s = 0;
  };
  std::map<int, Other> others;  // processes that are not ours, by id
};

// `root` stands before /proc and /sys; processes are always those of this machine.
MachineUse read_machine_use(const std::string& root = "");

// Shares are of the time of all processors; empty as well where the time between was under 0.2 s (counters
// step by 10 ms).
struct Disturbance {
  double wall_s = 0, suspended_s = 0;
  double clock_step_s = 0;  // the wall clock was set so much forward (back: negative)
  std::optional<double> foreign_share, steal_share;
  std::optional<int64_t> throttle_events;
  std::optional<double> cpu_quota, quota_throttled_s;  // see CgroupLimits; none: no quota
  std::optional<int64_t> quota_throttled_periods;
  std::vector<std::string>
      busiest;  // at most three others that used 1 % of a processor or more: "cc1plus (process 17): 43 %"
};
Disturbance between(const MachineUse& before, const MachineUse& after);
nlohmann::ordered_json to_json(const Disturbance& disturbance);

// What makes figures taken meanwhile doubtful: others on the processors (over 5 %), steal (over 1 %),
// throttling for heat or because a CPU quota was used up. And a wall clock that was set: latencies are of
// another clock, but times of day do not fit together.
std::vector<std::string> noise_warnings(const Disturbance& disturbance);
// What the machine is set to: a governor other than `performance`, a temperature within 5 degrees of its
// limit.
std::vector<std::string> noise_warnings(const Host& host);
// A CPU quota that is less than the processors which will be busy.
std::vector<std::string> quota_warnings(const CgroupLimits& limits, int processors);

}  // namespace alertbench
