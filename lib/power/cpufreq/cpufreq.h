// Caps by a highest frequency, for hardware that takes a frequency but no power limit (ODROID and other ARM
// boards, AMD). A cap sets the `scaling_max_freq` of cpufreq's policies, by a power-to-frequency table that
// was measured beforehand.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "power/cpufreq/frequency_table.h"
#include "power/nvml/nvml_library.h"
#include "power/power.h"

namespace alertbench {

struct CpufreqPolicy {
  int number = 0;
  std::string folder;                        // below the root
  std::string cpus, driver;                  // as the kernel writes them: "4 5 6 7"
  std::optional<uint64_t> min_khz, max_khz;  // in force now; what a cap changes is max
  std::optional<uint64_t> highest_khz;       // of the hardware
  std::vector<uint64_t> available_khz;       // ascending; empty if any will do
};

std::string highest_file(const CpufreqPolicy& policy);  // its scaling_max_freq, below the root

struct CpufreqProbe {
  std::vector<CpufreqPolicy> policies;  // by number
  std::vector<std::string> no_caps;     // why caps cannot be set; empty: they can
  std::vector<std::string> remedies;    // commands
};
// Changes nothing. `wanted`: numbers of policies; empty: all.
CpufreqProbe probe_cpufreq(const std::string& root = "/", const std::vector<int>& wanted = {});
nlohmann::ordered_json to_json(const CpufreqProbe& probe);

struct CpufreqCapSettings {
  std::string root = "/", state_folder;  // see state_folder() in power/guard/cap_state.h
  std::vector<double> caps_w;            // that will be asked for
  FrequencyTable frequencies{};
  std::vector<int> policies{};                                 // empty: all
  std::function<void(const std::string& file)> after_write{};  // for tests
  std::string nvml_library = default_nvml_library;             // for what a run on a GPU may have left behind
};

// A cap of W watts: every policy gets the highest frequency that the table gives for W, but at most its own
// highest, rounded down to one that it has. Each set() reads the frequencies back: EnvironmentError if one
// does not stick, RunError if another program changed it. Lock, watchdog and restoring as of GuardedCap.
// InputError for a cap below the table; EnvironmentError with remedies if frequencies cannot be set, or if a
// policy's own minimum is above a cap.
std::unique_ptr<CapSetter> make_cpufreq_cap(const CpufreqCapSettings& settings);

}  // namespace alertbench
