// The commands behind `alert-bench run`, `profile`, `record` and `replay`: from a scenario (or a recording)
// to a result folder. Each returns the exit code of the program and throws Error for every failure that ends
// it early.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "evaluation/goal_grid.h"
#include "scenario/scenario.h"

namespace alertbench {

struct RunOptions {
  std::string out;        // result folder (run, record, replay) or file (profile)
  std::string profile;    // run, record: use this profile instead of measuring one
  std::string recording;  // run: use this recording instead of making one
  bool overwrite = false, quiet = false, json = false, strict = false, allow_commands = false;
  bool resume = false;    // run, record: continue an interrupted one
  bool accuracy = false;  // profile: measure it on the scenario's inputs, instead of using the network file's
  std::vector<std::string> argv;

  // Accuracies come from the network file, not from a profile or a recording, and are not measured.
  bool needs_accuracy() const { return profile.empty() && recording.empty() && !accuracy; }
};

ExitCode run_scenario(const Scenario& scenario, const RunOptions& options);
ExitCode profile_scenario(const Scenario& scenario, const RunOptions& options);
ExitCode record_scenario(const Scenario& scenario, const RunOptions& options);

struct ReplayRequest {
  std::string recording;                // folder or recording.json
  std::vector<std::string> schedulers;  // empty: those of the recording's scenario
  std::vector<std::string> overrides;   // of the recording's scenario, as --set
  bool grid = false;                    // both tasks over a grid of goals, instead of the scenario's goals
  GridSpec grid_spec;
  int threads = 1;                  // for the grid
  std::vector<std::string> traces;  // settings of the grid for which traces are written
};
ExitCode replay_recording(const ReplayRequest& request, const RunOptions& options);

// Describes what a run would do and about how long it would take. It measures nothing and needs no LibTorch.
// `need_accuracy` as in check_before().
std::string describe_plan(const Scenario& scenario, bool need_accuracy = true);

}  // namespace alertbench
