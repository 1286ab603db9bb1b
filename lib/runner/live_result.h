// Fills the manifest of a live command with facts about the run and the machine.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "host/machine_use.h"
#include "live/live_session.h"
#include "result/result_folder.h"
#include "runner/preflight.h"
#include "runner/run.h"

namespace alertbench {

// Adds every file that the scenario reads.
void add_inputs(Manifest& manifest, const Scenario& scenario);

// Returns what disturbs this machine before anything is measured.
std::vector<std::string> noise_before(Clock& clock);

// Writes what is known before anything is measured to the manifest, and prints the warnings. With --strict a
// warning is an EnvironmentError.
void describe_start(ResultFolder& result, LiveSession& session, const Preflight& preflight,
                    const RunOptions& options);

// Writes what is known at the end to the manifest: co-runner, power, and what else happened on the machine
// since `before`. Returns the reasons why the result is invalid.
std::vector<std::string> describe_end(ResultFolder& result, LiveSession& session, const MachineUse& before,
                                      bool strict);

}  // namespace alertbench
