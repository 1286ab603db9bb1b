// What can be known before anything is measured, from the scenario, its networks and this process's limits.
// What is found wrong only behind a profile and a recording is a run that is lost.
#pragma once

#include <string>
#include <vector>

#include "core/profile.h"
#include "scenario/scenario.h"

namespace alertbench {

struct Preflight {
  Scenario scenario;               // without the schedulers that cannot run on these candidates
  std::vector<std::string> notes;  // which ones, and why
};

// InputError for networks that are not there, and for a scheduler that cannot run although the scenario names
// it; where it names none, such schedulers are left out.
Preflight check_before(const Scenario& scenario);
// The same for a recording's networks. `named`: the schedulers were asked for, so that none may be left out.
Preflight check_before_replay(const Scenario& scenario, const Profile& profile, bool named);
Preflight able_schedulers(const Profile& profile);  // all that can run on its networks

// That this process may do on this machine what the scenario asks for: InputError for what needs
// `allow_commands`, EnvironmentError for processors that it may not use.
void check_permissions(const Scenario& scenario, bool allow_commands);

// EnvironmentError where a live run of the scenario needs more files open at once than this process may have.
void check_file_limit(const Scenario& scenario);

}  // namespace alertbench
