// stress-ng, where it is installed, as a co-runner: a command line of ours for make_co_runner().
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "contention/kinds.h"

namespace alertbench {

// The first stress-ng on PATH; empty if there is none.
std::string find_stress_ng();

// How to get it, for messages.
constexpr const char* kStressNgMend = "apt-get install stress-ng";

// Runs `workers` workers of a stressor (kinds.h) on the processors `cpus` (empty: anywhere). All workers
// share them: where among them each runs is the kernel's choice. For 30 days at most; it ends before with us.
// `duty`, of a stressor with a load_option alone: in whole per cent; none: all it gets. stress-ng rests in
// proportion to the wall time of its bursts, so that this is a share of a processor only while a worker runs
// alone on one; beside the inference it gets less. EnvironmentError where stress-ng is not installed.
std::vector<std::string> stress_ng_command(const StressNg& stressor, int workers,
                                           const std::vector<int>& cpus, std::optional<double> duty);

}  // namespace alertbench
