// Two results of the same kind, setting by setting: how far is B from A?
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "report/document.h"
#include "report/result_file.h"

namespace alertbench {

constexpr double default_tolerance = 0.02;

// One scheduler of one task (evaluations), or of one mode and setting (summaries).
struct SchedulerComparison {
  std::string group, scheduler;
  int settings = 0;  // in both results, and feasible in both
  int counted = 0;   // of these, violated in neither and with a known objective in both: those behind `ratio`
  // B over A of the mean objective (energy or error), within each cell; over cells the harmonic mean.
  std::optional<double> ratio;
  // Evaluations: bootstrap over pairs of settings within each cell. Summaries: from the intervals of both
  // over their inputs, taken as independent; absent where one has none.
  std::optional<Interval> interval;
  std::optional<double> violated_a, violated_b;  // share of settings; over cells the mean
  std::optional<double> violated_strict_a,
      violated_strict_b;                                 // likewise, goals read input by input; not compared
  std::optional<double> satisfaction_a, satisfaction_b;  // share of inputs, likewise
  std::string farthest_cell;  // whose own ratio is farthest from 1; shown, not judged
  std::optional<double> farthest_ratio;
  std::vector<std::string> outside;  // what differs by more than the tolerance, with both numbers
};

struct Comparison {
  std::string a, b;  // files
  double tolerance = default_tolerance;
  std::vector<SchedulerComparison> schedulers;
  std::vector<std::string> only_a, only_b;  // cells, settings, schedulers that cannot be paired
  std::vector<std::string> notes;           // what differs besides: sources, feasibility
  std::vector<std::string> outside;         // all of it; empty: within tolerance

  Document report() const;
  nlohmann::ordered_json to_json() const;
};

// InputError: one is an evaluation and the other a summary; nothing in common; a duplicate setting; a
// tolerance that is none.
Comparison compare(const ResultFile& a, const ResultFile& b, double tolerance);

}  // namespace alertbench
