// From the inputs of one run to its figures: one Summary per scheduler, setting and mode.
// A figure that is not known (no meter, no labels, no inputs) is absent, and null in JSON; never 0, never
// NaN.
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

  int64_t inputs = 0;  // warm-up left out, as everywhere here
  int64_t groups = 0;  // that share a deadline; an input alone is one
  Judge judge = Judge::mean;
  bool violated = false;  // by `judge`
  // As core/goal_judge.h judges them, whichever `judge` is.
  bool violated_mean = false, violated_exact = false, violated_strict = false;
  std::optional<double> late_share;  // of groups
  Shortfall shortfall;
  std::optional<Bound> bound;  // of the mean objective; where the scheduler knows one
  // Shares of inputs that broke a goal by themselves. One that the task does not have is absent. satisfaction
  // = 1 - violations_any.
  std::optional<double> satisfaction, violations_any, violations_deadline, violations_accuracy,
      violations_energy;

  std::optional<double> mean_energy_j;         // per input, over inputs whose energy is known
  std::optional<double> mean_error;            // 1 - accuracy delivered, by the profile
  std::optional<Interval> objective_interval;  // of the mean of what the task minimises
  // Measured, over inputs with labels, as far as the workload has them; misses count as what stands in for
  // them.
  std::optional<double> top1, top5, f1, perplexity;
  std::optional<double> language_quality;  // of words: 1 - sum of nll / sum of guess_nll (core/profile.h)

  // The objective over that of oracle-static on the same inputs, see normalise().
  std::optional<double> normalised;
  std::optional<Interval> normalised_interval;

  Percentiles latency_s, decide_s, overshoot_s;
  int64_t stopped = 0;                // anytime networks stopped at the deadline: those behind overshoot_s
  std::vector<Usage> configurations;  // the most used ones, at most 5

  const std::optional<double>& objective() const {
    return task == Task::min_energy ? mean_energy_j : mean_error;
  }

  static Summary read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

class SummaryAccumulator {
 public:
  // `profile` names the configurations and must outlive this.
  SummaryAccumulator(std::string scheduler, const Goals& goals, std::string mode, const Profile& profile);

  void add(const InputRecord& record);  // inputs in rising order; those of the warm-up are ignored
  Summary summary(const BootstrapSettings& bootstrap = {}) const;
  bool violated() const { return judge_.verdict().violated(goals_.judge); }

  // Fills summary.normalised and its interval: mean objective over the reference's, both over the inputs for
  // which both know it. Both stay absent if there is no reference, or it is itself violated, or has a mean of
  // 0.
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
  std::vector<std::pair<int64_t, double>> objective_;  // (input, energy or error), where known
  std::vector<int64_t> uses_;                          // [row][cap]
};

}  // namespace alertbench
