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

// Every input is run by every network to its last stage under every cap, in an order that turns by one place
// an input, so that drift hits all alike; all caps of a network one behind the other. At `pace` each
// execution is as in a live run that keeps this configuration: behind one of the same network, and behind as
// much idle time (live/live_pace.h). Each input is on disk before the next one begins; an interruption ends
// it early, with what is there. Goes on where `writer` stands, which is not finished here.
void record_truth(NetworkBench& bench, const Profile& profile, const LivePace& pace, CapSetter& caps,
                  CoRunnerControl& co_runner, Clock& clock, Progress& progress, RecordingWriter& writer);

}  // namespace alertbench
