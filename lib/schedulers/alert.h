// ALERT (USENIX ATC 2020): for every input it predicts all configurations from one slow-down factor, and
// picks the best one that meets the goals. Variants use traditional or anytime networks only, or only the
// mean of the factor.
#pragma once

#include <array>
#include <limits>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "estimate/conformal_level.h"
#include "estimate/goal_window.h"
#include "estimate/idle_power_filter.h"
#include "estimate/slowdown_estimator.h"
#include "schedulers/candidates.h"
#include "schedulers/decision_overhead.h"
#include "schedulers/scheduler.h"

namespace alertbench {

enum class Criterion { latency, accuracy, energy };

struct AlertSettings {
  // `paper` (as published, the default) or `tuned`: constants of the slow-down filter, and a
  // probability_threshold of 0.9; individual settings can override them.
  std::string preset = "paper";
  // What predicts the slow-down factor: `gaussian` (the filter of the paper, the default), `student`,
  // `regimes` or `quantiles`, and the constants of each.
  EstimatorSettings estimator;
  IdlePowerConstants idle;
  // phi at the start; nullopt: the profile's idle power divided by its highest cap.
  std::optional<double> idle_ratio;
  // true: idle power is phi * cap, as published. false: idle power is phi times the highest cap, whatever the
  // current cap, for machines whose idle power does not depend on the cap.
  bool idle_follows_cap = true;
  // The order of criteria if no configuration meets the goals. Each criterion in turn keeps the best of the
  // remaining configurations:
  //   latency   only if no configuration has a useful expected accuracy (see `hopeless_share`): those whose
  //             first stage has the least profiled latency, that is, those most likely to finish anything.
  //             Otherwise the expected accuracy already reflects the deadline, and all configurations stay.
  //   accuracy  those with the highest expected accuracy
  //   energy    those with the least expected energy
  std::array<Criterion, 3> priority = {Criterion::latency, Criterion::accuracy, Criterion::energy};
  // The situation is hopeless if the best expected accuracy exceeds the accuracy of a missed deadline by at
  // most this share of the possible gain.
  double hopeless_share = 0.01;
  // Expected accuracies that differ by at most this are equal, and those that fall short of a goal by at most
  // this meet it. It is above the error of normal_cdf(), and below one input in a million.
  double accuracy_tolerance = 1e-6;
  // If set: a configuration meets the goals only if a first output in time, and (min_error) the energy
  // budget, each have at least this probability.
  std::optional<double> probability_threshold;
  // If set: a configuration meets the goals only if its first output is in time at the factor that adaptive
  // conformal inference puts around the estimator (see ConformalLevel, which also says what is guaranteed).
  // It takes the place of probability_threshold for the deadline, but not for the energy.
  std::optional<ConformalConstants> conformal;
  // Goal adjustment: the goal of the next input is the value that brings the mean over a window of this many
  // inputs to the goal (delivered accuracy, or energy). 0: off, as published. If it is on and no
  // configuration meets the adjusted budget of min_error, the one with the least energy is chosen instead of
  // the most accurate one, whatever `priority` says, because the most accurate one would move the budget
  // further.
  int goal_window = 0;
  OverheadSettings overhead;

  static AlertSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;        // all effective settings; read() accepts them
};

class Alert : public Scheduler {
 public:
  // `mean_only`: only the mean of the slow-down factor decides whether a stage is in time; its variance is
  // ignored.
  Alert(const SchedulerInputs& inputs, const AlertSettings& settings, Candidates kind, bool mean_only);

  // About 3 ns per configuration (tests/bench/bench_decide.cpp).
  Configuration decide(const Context& context) override;

  // Updates the estimator with the ratio of measured to profiled latency of the last stage that finished. If
  // none did, the time until the stop divided by the profiled latency of the first stage is a lower bound;
  // what the estimator does with it, its class says (`gaussian` takes it for the ratio).
  void observe(const Observation& observation) override;

  // The mean and standard deviation that the estimator predicts; see its class.
  std::optional<Slowdown> slowdown() const override;
  std::optional<Prediction> prediction() const override { return prediction_; }
  const std::optional<ConformalLevel>& conformal() const { return conformal_; }

 private:
  struct Row {
    int model = 0, stage = 1;
    bool anytime = false;
    double accuracy_step = 0;  // compared with the stage before it, or with a missed deadline
  };
  size_t at(size_t row) const { return row * caps_w_.size(); }
  void scale_to(double size);
  void believe();
  void predict(double deadline_s, double period_s, double idle_charged_s);
  void score(double deadline_s, double period_s, double idle_charged_s);
  size_t pick() const;
  size_t pick_fallback() const;

  const Profile& profile_;
  const Goals goals_;
  double accuracy_goal_, energy_goal_j_;  // of the current decision
  const AlertSettings settings_;
  const bool mean_only_;
  const bool logarithmic_;  // whether the estimator is asked for logarithms of factors
  const double quantile_;   // of the standard normal distribution at the probability threshold
  double best_accuracy_ = 0;

  // Candidates by name; a row is one stage of one network. Per configuration, [row][cap]:
  std::vector<Row> rows_;
  struct Latency {
    std::vector<double> end_s, inverse, log_end,
        first_end_s;  // of the stage, one over it, ln of it, and of the network's first stage
  };
  Latency profiled_, now_;  // of an input of the mean size, and of the present one
  double size_ = 1;
  std::vector<double> active_w_;
  std::vector<double> idle_cap_w_;  // phi times this is the idle power
  std::vector<double>
      never_stops_s_;       // infinity for a traditional network, 0 for one that stops at the deadline
  std::vector<int> piece_;  // of the normal table, in the present decision
  std::vector<double> in_time_, accuracy_, energy_j_,
      score_;                                   // of the present decision; the lowest score wins
  std::vector<double> caps_w_, fail_accuracy_;  // [cap]
  std::vector<int> profile_row_of_model_;       // first one, [model]

  SlowdownEstimator estimator_;
  std::optional<ConformalLevel> conformal_;
  bool promised_ = true;  // whether the configuration chosen last is in time at the conformal bound
  // What follows from the estimator's state: mean, standard deviation, and the factors at which goals must be
  // met with probability_threshold and `conformal`.
  double mean_ = 1, sd_ = 0, likely_factor_ = 1, conformal_factor_ = 1;
  IdlePowerFilter idle_;
  GoalWindow window_;
  double observed_ratio_ = 0;
  DecisionOverhead overhead_;
  std::optional<Prediction> prediction_;
};

}  // namespace alertbench
