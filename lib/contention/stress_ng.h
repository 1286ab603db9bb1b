// stress-ng, where it is installed, as a co-runner: a command line of ours for make_co_runner().
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace alertbench {

// The first stress-ng on PATH; empty where there is none.
std::string find_stress_ng();

// How to get it, for messages.
constexpr const char* kStressNgMend = "apt-get install stress-ng";

// Runs `workers` workers of a stressor (kinds.h) on the processors `cpus` (empty: anywhere; the kernel spreads workers over them),
// for a day at most. `duty`, of the stressor cpu alone: the share of a processor that each worker takes, in whole per cent
// (--cpu-load); none: all it gets. EnvironmentError where stress-ng is not installed.
std::vector<std::string> stress_ng_command(const std::string& stressor, int workers, const std::vector<int>& cpus,
                                           std::optional<double> duty);

}  // namespace alertbench
