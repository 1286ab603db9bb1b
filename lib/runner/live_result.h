// What the manifest of a live command says about the run and the machine that it ran on.
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

// Every file that the scenario leads to.
void add_inputs(Manifest& manifest, const Scenario& scenario);

// What disturbs this machine while nothing is measured yet.
std::vector<std::string> noise_before(Clock& clock);

// Writes down what is known before anything is measured, and tells the warnings. With --strict a warning is
// an EnvironmentError.
void describe_start(ResultFolder& result, LiveSession& session, const Preflight& preflight,
                    const RunOptions& options);

// Writes down what is known at the end: co-runner, power, and what else happened on the machine since
// `before`. Returns why the result does not count.
std::vector<std::string> describe_end(ResultFolder& result, LiveSession& session, const MachineUse& before,
                                      bool strict);

}  // namespace alertbench
