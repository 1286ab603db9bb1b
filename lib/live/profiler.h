// Measures every network under every cap without contention.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/progress.h"
#include "core/profile.h"
#include "live/network_bench.h"
#include "power/backend.h"
#include "scenario/scenario.h"

namespace alertbench {

// Each network warms up until it is steady; then every (network, cap) runs once per repetition, in rotated
// order, so that drift of the machine hits all alike. Inputs are those of the bench, in turn; where they
// differ in size, the latencies are brought to the mean size by a straight line fitted for each network.
// RunError where interrupted. It is paced as the recording will be (record.pace, live/live_pace.h), so that
// its latencies are those that schedulers meet; the deadline and the idle time are by the profile so far, at
// first by what networks took when they had warmed up. Where a device times itself, its times are kept beside
// the latencies. Where the backend has a counter of energy, active power is what it counted during the runs
// of each (network, cap), idle power what it shows while this thread sleeps for a second, uncapped. RunError
// where the counter fails.
Profile measure_profile(NetworkBench& bench, const Scenario& scenario, PowerBackend& power, Clock& clock,
                        Progress& progress);

struct MeasuredAccuracy {
  // [row] of the profile.
  std::vector<double> accuracy;    // in the unit of the networks; at most 1
  std::vector<double> top1, top5;  // 0..1
  std::vector<double> perplexity;  // of words; empty for others
  int64_t inputs = 0;
};

// How right each stage is on the bench's inputs, each of them once, every network run over all of them,
// uncapped. InputError where a network cannot be judged: no labels, or random weights. RunError where
// interrupted.
MeasuredAccuracy measure_accuracy(NetworkBench& bench, Clock& clock, Progress& progress);

// Puts it into the profile in place of what the network file said. A stage that came out below the one before
// it (few inputs) counts as equal to it, one worse than a guess as 0, which `accuracy_on` then says.
void take_accuracy(Profile& profile, const MeasuredAccuracy& measured, const std::string& data_source);

// Runs a network uncapped until its latency no longer falls: at least `least`, at most 60 times. Returns the
// lowest, seconds.
double warm_up(NetworkBench& bench, int model, Clock& clock, int least = 5);

}  // namespace alertbench
