// evaluation.json: schedulers judged over grids of goal settings, cell by cell, from recordings. The
// interface between `replay --grid`, `sweep` and `merge`, which write it, and `report`, `compare` and the
// figures, which read it. It holds nothing that differs between two evaluations of the same recordings (no
// time, no path): those stand in manifest.json.
//
// Definitions:
//   cell        workload x scenario x task (x seed): one recording, one task, a grid of settings
//   violated    a setting, for a scheduler: its goals are not kept, as core/goal_judge.h judges them
//   feasible    some single configuration keeps the goals of the setting in hindsight, by the same judge over
//   the same judged
//               inputs; the other settings are listed, and leave every total
//   normalised  mean objective (energy for min_energy, error for min_error) over that of `oracle-static`
//   under the same
//               setting; known only where the setting is feasible, the scheduler does not violate it, and the
//               reference is not violated itself and not 0. over_oracle, over_oracle_mean,
//               over_oracle_causal: likewise
//   over_static the same ratio wherever the setting is feasible, violated or not
// Totals of a cell are means over settings; over cells, ratios are joined by the harmonic mean, the others by
// the mean. Intervals: 95 %, bootstrap: recordings are drawn first (settings of one recording share its
// inputs), then settings within each. Over one cell only its settings are drawn.
#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/statistics.h"
#include "core/goal_judge.h"
#include "core/types.h"
#include "metrics/scheduler_traits.h"
#include "schedulers/scheduler.h"

namespace alertbench {

constexpr const char* evaluation_schema_version = "2.2";

// One scheduler under one setting, judged inputs only.
struct SettingResult {
  GoalVerdict verdict;
  bool violated = false;                 // by the judge of the setting
  std::optional<double> measured_error;  // 1 - accuracy measured on these inputs (core/profile.h)
  std::optional<Bound> bound;            // of oracle-mean, where it knows one
  std::optional<double> normalised, over_static, over_oracle, over_oracle_mean, over_oracle_causal;

  double mean_error() const { return 1 - verdict.mean_accuracy; }
};

// The least objective that one level can reach by a single configuration that keeps the goals: `system`, any
// cap of one network, the one that keeps the goals of the most settings of the cell (of equals the first by
// name); `application`, any network under the highest cap; `combined`, any configuration. None if no such
// configuration keeps them.
struct Ideals {
  std::optional<double> system, application, combined;
};

struct Setting {
  Goals goals;  // its name is unique within the cell
  std::optional<double> deadline_x, power_limit_w;
  bool feasible = true;  // by the judge of the goals
  bool feasible_mean = true, feasible_exact = true, feasible_strict = true;
  Ideals ideals;
  std::vector<SettingResult> results;  // one a scheduler, in the evaluation's order
};

struct Estimate {
  double value = 0;
  std::optional<Interval> interval;  // absent with fewer than two settings
  int settings = 0;                  // behind it
};

// Of the settings that fall short of a goal.
struct ShortfallTotals {
  int settings = 0;
  double median = 0, worst = 0;
};

// One scheduler over the feasible settings of a cell, or over cells.
struct Totals {
  int feasible = 0, violated = 0;                // settings, by their judge
  int feasible_exact = 0, violated_exact = 0;    // the mean reading without tolerance
  int feasible_strict = 0, violated_strict = 0;  // read input by input
  // Of the violated ones, those where no goal is broken that the scheduler promises (for reports).
  int unpromised = 0, unpromised_strict = 0;
  std::optional<Estimate> violation_rate;  // violated / feasible
  std::optional<Estimate> in_time;         // groups (inputs) that were not late
  std::optional<Estimate> satisfaction;    // inputs that broke no goal
  ShortfallTotals late, accuracy, energy;  // over the violated settings
  std::optional<Estimate> normalised, over_static, over_oracle, over_oracle_mean, over_oracle_causal;
};

// What a scheduler saves of the objective against a rival, 1 - its ratio to the rival's; in three readings,
// none of which tells the whole: (a) each over the settings it does not violate itself, as published; (b)
// over the settings that both keep; (c) over all feasible settings, violations beside it. Both are normalised
// to oracle-static.
struct Saving {
  std::string scheduler, rival;
  std::optional<Estimate> a, b, c;
  int violated = 0, rival_violated = 0, feasible = 0;  // settings
};

struct Cell {
  std::string id;  // "WORKLOAD/SCENARIO/TASK/seed-N": unique, cells are sorted by it
  std::string workload, scenario;
  Task task = Task::min_energy;
  uint64_t seed = 0;             // of the recording's order of inputs
  std::string recording_sha256;  // of its recording.json
  int64_t inputs = 0, warmup_inputs = 0;
  int configurations = 0;          // (network, stage, cap)
  std::string co_runner;           // kind
  std::optional<double> slowdown;  // that came out: median with over median without the co-runner
  std::string energy_source;
  std::string accuracy_source;  // of the profile's accuracies: "measured", "published", "assumed", or several
  Judge judge = Judge::mean;    // of all settings
  GoalTolerance tolerance;
  std::string failed;  // why it could not be evaluated; then it has no settings
  std::vector<Setting> settings;
  std::vector<Totals> totals;  // one a scheduler
};

struct EvaluationResult {
  std::vector<std::string> schedulers;
  std::vector<std::pair<std::string, std::string>>
      scheduler_settings;        // in force, as JSON text, for each scheduler
  SchedulerTraitsByName traits;  // empty if read from a file of before 2.2
  BootstrapSettings bootstrap;
  std::vector<Cell> cells;
  // Over the cells that did not fail: "all", then by domain ("vision", "nlp") where there are several.
  struct Domain {
    std::string name;
    std::set<std::string> workloads;  // of its cells; empty for "all"
    struct Task {
      std::vector<Totals> totals;   // one a scheduler; empty for a task without cells
      std::vector<Saving> savings;  // of alert against each other scheduler but oracles
    } min_energy, min_error;
  };
  std::vector<Domain> domains;
  // Over the cells of a workload, of a scenario, and of both: what figures show beside single cells. Groups
  // of one cell, or of the same cells as a domain, are not repeated.
  struct Group {
    std::string workload, scenario;             // empty: all
    std::vector<Totals> min_energy, min_error;  // one a scheduler; empty for a task without several cells
  };
  std::vector<Group> groups;

  int scheduler_index(const std::string& name) const;  // -1 where it has none such

  // Sorts cells, and computes the totals of each and of all from their settings. Call it before writing.
  void total();

  nlohmann::ordered_json to_json() const;
  static EvaluationResult from_json(const nlohmann::json& j, const std::string& where);  // strict; InputError
  static EvaluationResult read(const std::string& path);  // the file, or a folder's evaluation.json
  void write(const std::string& folder) const;            // FOLDER/evaluation.json, atomically

 private:
  void total_groups();
};

}  // namespace alertbench
