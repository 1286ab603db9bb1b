// Traces in the Trace Event Format (JSON), which the Perfetto viewer (ui.perfetto.dev) and chrome://tracing
// open. A file of this format is an object with a list "traceEvents". Used here are complete events (ph X: a
// span with a begin and a duration), counters (C) and names (M); times are in microseconds.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace alertbench {

// The traces of a result folder, by name, or the one trace that `result` names. InputError if there is none.
std::vector<std::string> traces_of(const std::string& result);

// Writes the events of all traces with `write`, in pieces of whole lines; only one input is held in memory.
// Each trace (one scheduler, setting and mode) is a process of its own, since counters belong to processes:
//
//   thread "execution"     spans "NETWORK@STAGE CAP W" from the start of an input to its end. Within them
//   "decide"
//                          (live) and "stage K", and "stopped" for the work on a stage that the deadline cut
//                          off. Between them "idle".
//   thread "co-runner"     spans with its name while it is on, "off" in between; only if there is one
//   counters               "power cap, W", "slow-down factor", "energy of the period, J"; absent while
//   unknown
//
// Times are those of the scheduler's own run, from its start: the turns of other schedulers are not in them.
// Spans of a thread follow or contain each other to the nanosecond, as viewers require. A trace that was cut
// off is written as far as it goes, and named on standard error. InputError as read_trace().
void write_trace_events(const std::vector<std::string>& traces,
                        const std::function<void(std::string_view)>& write);

}  // namespace alertbench
