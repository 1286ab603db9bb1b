// Summarises the inputs of one run: one Summary per scheduler, setting and mode. A value that is not known
// (no meter, no labels, no inputs) is absent here and null in JSON, never 0 or NaN.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/json_reader.h"
#include "base/statistics.h"
#include "core/goal_judge.h"
#include "core/profile.h"
#include "schedulers/scheduler.h"
#include "trace/input_record.h"

namespace alertbench {

struct Percentiles {  // seconds
  std::optional<double> mean, median, p95, p99, max;
};

struct Usage {
  std::string configuration;  // "model@stage"
  double cap_w = 0;
  double share = 0;  // of inputs
};

struct Summary {
  std::string scheduler, setting, mode;
  Task task = Task::min_energy;

  int64_t inputs = 0;  // without the warm-up, as everywhere in this file
  int64_t groups = 0;  // of inputs that share a deadline; a single input is a group
  Judge judge = Judge::mean;
  bool violated = false;  // by `judge`
  // The verdicts of core/goal_judge.h, whatever `judge` is.
  bool violated_mean = false, violated_exact = false, violated_strict = false;
  std::optional<double> late_share;  // of groups
  Shortfall shortfall;
  std::optional<Bound> bound;  // of the mean objective, if the scheduler knows one
  // The shares of inputs that individually broke a goal. The share is absent for a goal that the task does
  // not have. satisfaction = 1 - violations_any.
  std::optional<double> satisfaction, violations_any, violations_deadline, violations_accuracy,
      violations_energy;

  std::optional<double> mean_energy_j;         // per input, over inputs whose energy is known
  std::optional<double> mean_error;            // 1 - delivered accuracy, from the profile
  std::optional<Interval> objective_interval;  // of the mean objective
  // Measured over inputs with labels, if the workload has these values. A miss counts with the value of its
  // substitute.
  std::optional<double> top1, top5, f1, perplexity;
  std::optional<double> language_quality;  // for words: 1 - sum of nll / sum of guess_nll (core/profile.h)

  // The objective divided by that of oracle-static on the same inputs; see normalise().
  std::optional<double> normalised;
  std::optional<Interval> normalised_interval;

  Percentiles latency_s, decide_s, overshoot_s;
  int64_t stopped = 0;  // number of anytime executions stopped at the deadline, on which overshoot_s is based
  std::vector<Usage> configurations;  // the most used ones, at most 5

  const std::optional<double>& objective() const {
    return task == Task::min_energy ? mean_energy_j : mean_error;
  }

  static Summary read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

// A scheduler over the goal settings of one task, in one mode. Settings that no single configuration meets
// (whose replayed oracle-static is violated, or the live one if there is no other) are omitted.
struct TaskSummary {
  std::string scheduler, mode;
  Task task = Task::min_energy;
  int settings = 0, violated = 0;
  int counted = 0;                   // settings that are not violated and have a normalised objective
  std::optional<double> normalised;  // mean over those
  // Of that mean: settings are drawn with replacement, each value with the spread of its own interval. For
  // one setting its own interval.
  std::optional<Interval> interval;

  nlohmann::ordered_json to_json() const;
};
// One for each scheduler, task and mode that `summaries` have, in their order.
std::vector<TaskSummary> over_settings(const std::vector<Summary>& summaries,
                                       const BootstrapSettings& bootstrap);

class SummaryAccumulator {
 public:
  // `profile` names the configurations and must outlive this.
  SummaryAccumulator(std::string scheduler, const Goals& goals, std::string mode, const Profile& profile);

  void add(const InputRecord& record);  // inputs in increasing order; warm-up inputs are ignored
  Summary summary(const BootstrapSettings& bootstrap = {}) const;
  bool violated() const { return judge_.verdict().violated(goals_.judge); }

  // Fills summary.normalised and its interval: the mean objective divided by that of the reference, both over
  // the inputs for which both are known. Both stay absent if there is no reference, if the reference itself
  // is violated, or if its mean is 0.
  void normalise(Summary& summary, const SummaryAccumulator* oracle_static,
                 const BootstrapSettings& bootstrap = {}) const;

 private:
  struct Counts {
    int64_t known = 0, yes = 0;
    void add(bool value) { ++known, yes += value; }
    std::optional<double> share() const;
  };

  std::string scheduler_, mode_;
  const Goals goals_;
  const Profile& profile_;
  GoalJudge judge_;
  int64_t inputs_ = 0;
  Counts any_, deadline_, accuracy_, energy_, top1_, top5_;
  std::vector<double> f1_, nll_;
  MeasuredError words_{AccuracyUnit::language_quality};
  std::vector<double> energy_j_, error_, latency_s_, decide_s_, overshoot_s_;
  std::vector<std::pair<int64_t, double>> objective_;  // (input, energy or error), if known
  std::vector<int64_t> uses_;                          // [row][cap]
};

}  // namespace alertbench
