// Runs stress-ng, if it is installed, as a co-runner: builds its command line for make_co_runner().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contention/kinds.h"

namespace alertbench {

// Returns the first stress-ng on PATH; empty if there is none.
std::string find_stress_ng();

// How to install it, for messages.
constexpr const char* kStressNgMend = "apt-get install stress-ng";

// Returns the command that runs `workers` workers of a stressor (kinds.h) on the processors `cpus` (empty:
// anywhere). All workers share these processors, and the kernel places them. The command runs for at most 30
// days, but ends earlier with us. `duty` is only for a stressor with a load_option, and is rounded to whole
// per cent; without it, a worker uses all the time it gets. stress-ng rests in proportion to the wall time of
// its bursts, so the duty is a share of a processor only while a worker runs alone on it; beside the
// inference it gets less. EnvironmentError if stress-ng is not installed.
std::vector<std::string> stress_ng_command(const StressNg& stressor, int workers,
                                           const std::vector<int>& cpus, std::optional<double> duty);

}  // namespace alertbench
