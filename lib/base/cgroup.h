// What the control groups of this process (a container, a systemd slice, a Slurm job) leave it of the
// machine, version 1 and 2. Read from the group itself and from all above it that can be seen: the tightest
// counts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace alertbench {

struct CgroupLimits {
  std::optional<double> cpu_quota;           // processors' worth of time; none: no quota
  std::optional<int64_t> throttled_periods;  // periods in which the group was stopped because the quota was
                                             // used up; none: no quota
  std::optional<double> throttled_s;         // how long it was stopped in all, all processors together
  std::optional<int64_t> memory_bytes;       // none: no limit
  std::optional<int64_t> most_processes;     // with threads; none: no limit
};

// `root` stands before /proc and /sys. What cannot be read is none.
CgroupLimits read_cgroup_limits(const std::string& root = "");

}  // namespace alertbench
