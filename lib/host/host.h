// Facts of the machine that a result depends on, from /proc and /sys. What cannot be known is empty, never
// guessed. The host's name is omitted on purpose: results are shared.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>

namespace alertbench {

struct Host {
  std::optional<std::string> cpu_model, kernel;
  std::optional<int> logical_cpus;
  std::optional<std::string> governor;  // of all processors; "a, b" where they differ
  std::optional<bool> turbo, smt_active, virtualised;
  std::optional<std::array<double, 3>> load_average;  // over 1, 5 and 15 minutes
  std::optional<int64_t> memory_total_bytes, memory_available_bytes;
  std::optional<int64_t> llc_bytes;  // the last-level cache that processor 0 sees
  std::optional<double> steal_s;     // since boot, all processors together: time a hypervisor took
  std::optional<double> temperature_c,
      temperature_limit_c;  // of the processor's sensor that is nearest to its limit
};

// All processors together, since boot.
struct ProcessorTime {
  double busy_s = 0;
  double steal_s = 0;  // time a hypervisor took
};

struct Memory {
  std::optional<int64_t> total_bytes, available_bytes;
};

// `root` stands before /proc and /sys (tests give a fake tree).
std::optional<ProcessorTime> read_processor_time(const std::string& root = "");
Memory read_memory(
    const std::string& root = "");  // of the machine; a container may have less (base/cgroup.h)
// The cache of the highest level that processor 0 sees.
std::optional<int64_t> last_level_cache_bytes(const std::string& root = "");
Host read_host(const std::string& root = "");
// What the first processor can do, as /proc/cpuinfo names it: "avx2", "avx512f", "asimd". Empty where it is
// not told.
std::set<std::string> read_processor_flags(const std::string& root = "");
nlohmann::ordered_json to_json(const Host& host);  // empty becomes null

// The words of this process's command line, printable() (core/console.h), cut off where they are many.
std::string own_command();

}  // namespace alertbench
