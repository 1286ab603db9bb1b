// Built-in schedulers and those of the user's own (schedulers/external.h), alike.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "schedulers/scheduler.h"

namespace alertbench {

// make_scheduler() for all of them. `result_name` is the scheduler's own, see result_names().
std::unique_ptr<Scheduler> make_any_scheduler(const std::string& scheduler, const std::string& result_name,
                                              const SchedulerInputs& inputs, const nlohmann::json& settings,
                                              const std::string& where);

// Checks what can be known before anything is measured; `where` opens the message. InputError without
// `allow_commands` if one of them is not built in, before anything of it is touched; otherwise if a library
// is unusable (load_plugin) or a program is not found.
void check_external_schedulers(const std::vector<std::string>& schedulers, bool allow_commands,
                               const std::string& where);

// Describes those that are not built in, for manifest.json and plan.json, in order:
//   [{"name": in results, "scheduler": as it was given, "command": argv or null,
//     "files": [{"path", "bytes", "sha256"}]}]
// The files are the library; or the program and those arguments that are files. Null if all are built in.
nlohmann::ordered_json describe_external_schedulers(const std::vector<std::string>& schedulers);

}  // namespace alertbench
