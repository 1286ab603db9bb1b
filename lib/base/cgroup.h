// The limits that control groups (version 1 and 2) set for this process: a container, a systemd slice or a
// Slurm job. They are read from the group itself and from all visible groups above it; the tightest counts.
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

// `root` is the folder that contains /proc and /sys. Values that cannot be read are nullopt.
CgroupLimits read_cgroup_limits(const std::string& root = "");

}  // namespace alertbench
