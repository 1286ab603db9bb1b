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
// order, so that drift of the machine affects all of them alike. The inputs of the bench are used in turn. If
// they differ in size, the latencies are converted to the mean size by a straight line fitted for each
// network. Profiling is paced like the recording will be (record.pace, live/live_pace.h), so that its
// latencies are those that schedulers see; the deadline and the idle time come from the profile so far, and
// at first from the latencies after the warm-up. If a device times itself, its times are stored beside the
// latencies. If the backend has an energy counter, active power is what it counted during the runs of each
// (network, cap), and idle power is what it shows while this thread sleeps for a second, uncapped. RunError
// if interrupted, or if the counter fails.
Profile measure_profile(NetworkBench& bench, const Scenario& scenario, PowerBackend& power, Clock& clock,
                        Progress& progress);

struct MeasuredAccuracy {
  // [row] of the profile.
  std::vector<double> accuracy;    // in the unit of the networks; at most 1
  std::vector<double> top1, top5;  // 0..1
  std::vector<double> perplexity;  // for words; empty for other workloads
  double guess_perplexity = 0;     // of the same words; for other workloads 0
  int64_t inputs = 0;
};

// Measures the accuracy of each stage. Every network runs uncapped over all different inputs of the bench,
// once each. InputError if a network cannot be judged (no labels, or random weights). RunError if
// interrupted.
MeasuredAccuracy measure_accuracy(NetworkBench& bench, Clock& clock, Progress& progress);

// Replaces the profile's accuracies, which came from the network file, by the measured ones. A stage that
// measured below the previous one (because of few inputs) is raised to it, and one worse than a guess is
// raised to 0; `accuracy_on` then says so.
void take_accuracy(Profile& profile, const MeasuredAccuracy& measured, const std::string& data_source);

// Returns what was measured of one network as a network file states it, rounded to 6 decimal places.
// `profile` has taken it already; so stages that were raised are raised here too.
NetworkAccuracy accuracy_to_state(const Profile& profile, int model, const MeasuredAccuracy& measured);

// Runs a network uncapped until its latency no longer falls: at least `least`, at most 60 times. Returns the
// lowest latency in seconds.
double warm_up(NetworkBench& bench, int model, Clock& clock, int least = 5);

}  // namespace alertbench
