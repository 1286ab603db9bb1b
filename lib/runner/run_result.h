// The result folder of a command that runs or replays a scenario.
#pragma once

#include <string>
#include <vector>

#include "result/result_folder.h"
#include "runner/run.h"

namespace alertbench {

// Returns the names of traces below the folder: traces/SCHEDULER.SETTING.MODE.jsonl.
std::vector<std::string> trace_names(const std::vector<std::string>& schedulers,
                                     const std::vector<std::string>& settings,
                                     const std::vector<std::string>& modes);
std::vector<std::string> setting_names(const Scenario& scenario);

// Makes room for all files that such a command writes, including these traces (see ResultFolder::make_room),
// and begins the result.
void begin_run(ResultFolder& result, const Scenario& scenario, const RunOptions& options,
               const std::vector<std::string>& traces);

void write_profile(const ResultFolder& result, const Profile& profile);  // profile.json

// Throws EnvironmentError if there is a warning and `strict` is set.
void refuse_warnings(const std::vector<std::string>& warnings, bool strict);

}  // namespace alertbench
