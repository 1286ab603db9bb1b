// Caps and energy of an NVIDIA GPU, by NVIDIA's management library (power/nvml_library.h).
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "power/cpufreq/frequency_table.h"
#include "power/nvml/nvml_library.h"
#include "power/power.h"

namespace alertbench {

// What this process may do with a GPU, found out without changing anything.
struct NvmlGpuProbe {
  NvmlGpu gpu;
  // Why its power limit cannot be set. Empty: as far as can be told without trying, it can.
  std::vector<std::string> no_limit;
  std::vector<std::string> no_energy;  // why its energy can be neither counted nor sampled
};
struct NvmlProbe {
  std::string library, driver;
  std::vector<NvmlGpuProbe> gpus;     // by index
  std::vector<std::string> problems;  // why there are no GPUs, or not all
  std::vector<std::string> remedies;  // commands
};
NvmlProbe probe_nvml(const std::string& library = default_nvml_library, const std::string& root = "/");
nlohmann::ordered_json to_json(const NvmlProbe& probe);

// Neither the limit nor the clocks of the GPU can be set: no permission, or the GPU cannot do it.
struct CannotCap : EnvironmentError {
  using EnvironmentError::EnvironmentError;
};

struct NvmlCapSettings {
  std::string root = "/", state_folder;  // see power/guard/cap_guard.h
  std::string library = default_nvml_library;
  std::string gpu;             // see Nvml::find()
  std::vector<double> caps_w;  // that will be asked for
  FrequencyTable frequencies{};
};

// A cap of W watts is the GPU's power limit, which each set() reads back: EnvironmentError if it does not
// stick, RunError if another program changed it. If the limit cannot be set and a table is given, a cap is a
// lock of the clocks, from the lowest that the GPU has to the highest that the table gives for W. NVML cannot
// read a lock back, so only its effect is checked: half a second later, the GPU's clock must not be above it
// (RunError). Nor can NVML tell whether somebody had locked the clocks before: such a lock ends with the run,
// and a warning says so. State file, watchdog and restoring as of GuardedCap. CannotCap with remedies,
// EnvironmentError with the GPU's range for a cap outside it, InputError for a cap below the table. The clock
// must outlive it.
std::unique_ptr<CapSetter> make_nvml_cap(const NvmlCapSettings& settings, Clock& clock);

// The GPU's own counter if it has one (Volta and later), else its power, sampled and integrated. Both are of
// the whole board and of nothing else: they do not include the processor. Waits a second to see how often it
// changes. EnvironmentError if there is neither.
std::unique_ptr<EnergyCounter> make_nvml_counter(const std::string& library, const std::string& gpu,
                                                 Clock& clock);

}  // namespace alertbench
