// Measures every network under every cap without contention.
#pragma once

#include "core/clock.h"
#include "core/profile.h"
#include "core/progress.h"
#include "live/network_bench.h"
#include "power/power.h"
#include "scenario/scenario.h"

namespace alertbench {

// Each network warms up until it is steady; then every (network, cap) runs once per repetition, in rotated order, so
// that drift of the machine hits all alike. Inputs are those of the bench, in turn. RunError where interrupted.
Profile measure_profile(NetworkBench& bench, const Scenario& scenario, CapSetter& caps, Clock& clock, Progress& progress);

// Runs a network uncapped until its latency no longer falls: at least `least`, at most 60 times.
void warm_up(NetworkBench& bench, int model, Clock& clock, int least = 5);

}  // namespace alertbench
