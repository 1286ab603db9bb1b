// evaluation.json: schedulers judged over grids of goal settings, cell by cell, from recordings. The interface between
// `replay --grid`, `sweep` and `merge`, which write it, and `report`, `compare` and the figures, which read it. It holds
// nothing that differs between two evaluations of the same recordings (no time, no path): those stand in manifest.json.
//
// Definitions (design: "A grid of goals", "Metrics"):
//   cell        workload x scenario x task (x seed): one recording, one task, a grid of settings
//   violated    a setting, for a scheduler: more than `violated_share` of its inputs broke a goal
//   infeasible  a setting that even `oracle` violates; it is listed, and leaves every total
//   normalised  mean objective (energy for min_energy, error for min_error) over that of `oracle-static` under the same
//               setting; known only where the setting is feasible, the scheduler does not violate it, and the reference
//               is not violated itself and not 0. over_oracle, over_oracle_causal: likewise
//   satisfaction  share of inputs without violation
// Totals of a cell are means over settings; over cells, ratios are joined by the harmonic mean, the others by the mean.
// Intervals: 95 %, bootstrap over settings within each cell.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/types.h"
#include "metrics/statistics.h"

namespace alertbench {

constexpr const char* evaluation_schema_version = "1.0";

// One scheduler under one setting, warm-up left out.
struct SettingResult {
  int64_t inputs = 0;
  bool violated = false;
  double satisfaction = 0;                                      // 1 - share of inputs with any violation
  double violations_deadline = 0;                               // shares of inputs
  std::optional<double> violations_accuracy, violations_energy;  // absent: the task has no such goal
  std::optional<double> mean_energy_j;                          // per input
  double mean_error = 0;                                        // 1 - accuracy delivered, by the profile
  std::optional<double> measured_error;                         // 1 - accuracy measured on these inputs (core/profile.h)
  std::optional<double> normalised, over_oracle, over_oracle_causal;
};

// The figures that ratios and tables are about.
struct Setting {
  Goals goals;  // its name is unique within the cell
  std::optional<double> deadline_x, power_limit_w;
  bool feasible = true;
  std::vector<SettingResult> results;  // one a scheduler, in the evaluation's order
};

struct Estimate {
  double value = 0;
  std::optional<Interval> interval;  // absent with fewer than two settings
  int settings = 0;                  // behind it
};

// One scheduler over the feasible settings of a cell, or over cells.
struct Totals {
  int feasible = 0, violated = 0;  // settings
  std::optional<Estimate> violation_rate;  // violated / feasible
  std::optional<Estimate> satisfaction;
  std::optional<Estimate> normalised, over_oracle, over_oracle_causal;
};

struct Cell {
  std::string id;  // "WORKLOAD/SCENARIO/TASK/seed-N": unique, cells are sorted by it
  std::string workload, scenario;
  Task task = Task::min_energy;
  uint64_t seed = 0;                 // of the recording's order of inputs
  std::string recording_sha256;      // of its recording.json
  int64_t inputs = 0, warmup_inputs = 0;
  int configurations = 0;            // (network, stage, cap)
  std::string co_runner;             // kind
  std::optional<double> slowdown;    // that came out: median with over median without the co-runner
  std::string energy_source, accuracy_source;
  std::string failed;                // why it could not be evaluated; then it has no settings
  std::vector<Setting> settings;
  std::vector<Totals> totals;        // one a scheduler
};

struct EvaluationResult {
  std::vector<std::string> schedulers;
  std::vector<std::pair<std::string, std::string>> scheduler_settings;  // in force, as JSON text, for each scheduler
  BootstrapSettings bootstrap;
  std::vector<Cell> cells;
  // Over the cells of a task that did not fail; empty for a task without cells. One a scheduler.
  std::vector<Totals> min_energy, min_error;

  int scheduler_index(const std::string& name) const;  // -1 where it has none such

  // Sorts cells, and computes the totals of each and of all from their settings. Call it before writing.
  void total();

  nlohmann::ordered_json to_json() const;
  static EvaluationResult from_json(const nlohmann::json& j, const std::string& where);  // strict; InputError
  static EvaluationResult read(const std::string& path);  // the file, or a folder's evaluation.json
  void write(const std::string& folder) const;            // FOLDER/evaluation.json, atomically
};

}  // namespace alertbench
