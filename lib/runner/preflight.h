// Checks what can be known before anything is measured: the scenario, its networks and this process's limits.
// An error that is found only after profiling and recording would waste the run.
#pragma once

#include <string>
#include <vector>

#include "core/profile.h"
#include "scenario/scenario.h"
#include "workloads/workload.h"

namespace alertbench {

struct Preflight {
  Scenario scenario;               // without the schedulers that cannot run on these candidates
  std::vector<std::string> notes;  // which ones were removed, and why
};

// InputError for unknown networks, and for a scheduler that the scenario names but that cannot run. If the
// scenario names none, such schedulers are omitted. `need_accuracy`: that of the network file, see
// candidates_of().
Preflight check_before(const Scenario& scenario, bool need_accuracy = true);
// Does the same for a recording's networks. `named`: the schedulers were requested explicitly, so none may be
// omitted.
Preflight check_before_replay(const Scenario& scenario, const Profile& profile, bool named);
Preflight able_schedulers(const Profile& profile);  // all schedulers that can run on its networks

// Checks that this process may do what the scenario requests: InputError for what needs `allow_commands`,
// EnvironmentError for processors that it may not use.
void check_permissions(const Scenario& scenario, bool allow_commands);

// InputError if inputs that share a deadline would have to arrive at times of their own.
void check_arrivals(const Scenario& scenario, const Workload& workload);

// EnvironmentError if a live run of the scenario needs more open files at once than this process may have.
void check_file_limit(const Scenario& scenario);

}  // namespace alertbench
