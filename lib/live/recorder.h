// Records the truth table of a scenario: every network under every cap on every input.
#pragma once

#include "base/clock.h"
#include "base/progress.h"
#include "live/co_runner_control.h"
#include "live/live_pace.h"
#include "live/network_bench.h"
#include "power/power.h"
#include "recording/recording.h"

namespace alertbench {

// Every network runs on every input to its last stage under every cap. All caps of a network follow one
// another, and the orders of networks and caps rotate by one place per input, so that drift affects all of
// them alike. With `pace`, each execution is as in a live run that keeps this configuration: it follows an
// execution of the same network, and as much idle time (live/live_pace.h). Each input is on disk before the
// next one begins, and an interruption ends the recording early with the inputs so far. Recording continues
// at the position of `writer`, which this function does not finish.
void record_truth(NetworkBench& bench, const Profile& profile, const LivePace& pace, CapSetter& caps,
                  CoRunnerControl& co_runner, Clock& clock, Progress& progress, RecordingWriter& writer);

}  // namespace alertbench
