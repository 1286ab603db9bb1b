// One cell of the evaluation from its recording, as fast as arithmetic allows: no traces, no strings per
// input.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evaluation/evaluation.h"
#include "evaluation/goal_grid.h"
#include "recording/recording.h"

namespace alertbench {

struct CellRequest {
  std::vector<std::string> schedulers;  // those that know the truth (oracles) are always run as well
  nlohmann::json scheduler_settings = nlohmann::json::object();  // by scheduler name
  GridSpec grid;
  int threads = 1;  // results do not depend on it
};

// Schedulers in the registry's order: those asked for, and the oracles. Then those of the user's own.
std::vector<std::string> evaluated_schedulers(const std::vector<std::string>& asked);

// The scenario that was recorded, with `overrides` (as --set) and other schedulers if any. InputError (opened
// by `where`) where the recording does not say, or names a file (what the files of a scenario said is in its
// recording), and where an override is of something that the recording fixes, for example the candidates.
Scenario recorded_scenario(const Recording& recording, const std::string& where,
                           const std::vector<std::string>& overrides = {},
                           const std::vector<std::string>& schedulers = {});
// The same, to be judged: InputError also where it holds nothing but warm-up.
Scenario scenario_of(const Recording& recording, const std::string& where,
                     const std::vector<std::string>& overrides = {},
                     const std::vector<std::string>& schedulers = {});

// An evaluation without cells yet: its schedulers, and the settings in force.
EvaluationResult begin_evaluation(const CellRequest& request);

// All settings of `task`. Totals are left to EvaluationResult::total(). InputError for candidates that a
// scheduler cannot work with. RunError where interrupted.
Cell evaluate_cell(const Recording& recording, const Scenario& scenario, const std::string& recording_sha256,
                   Task task, const CellRequest& request);

}  // namespace alertbench
