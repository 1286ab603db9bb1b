// Online search without a profile, after CORAL (arXiv 2603.14577, 2026): it tries configurations, moves
// half-way between the best ones, and stays with the best. "Like", because CORAL tunes clocks, cores and
// concurrency for throughput under a power limit; here the knobs are network and cap, and the goals are those
// of the task.
//
// It controls both. It tries to meet the deadline and the goal of the task (accuracy, or energy), and among
// the configurations that do so to have the best objective. It knows the networks, their accuracy and the
// caps, and what it measures. It reads no profiled latency, power or growth with the input's size. It
// promises nothing while it searches, and nothing about configurations that it did not try.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/json_reader.h"
#include "base/random.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct CoralSettings {
  uint64_t seed = 1;         // of its own random numbers
  int trials = 10;           // configurations to try before it stays, at least 2
  int trial_inputs = 3;      // inputs of a trial
  int samples = 9;           // of the Latin hypercube it draws from when stuck
  double temperature = 1;    // of that draw's softmax, in steps of a knob; above 0
  int watch_inputs = 20;     // when it stays: inputs over which the reward is compared
  double reopen_drop = 0.1;  // it searches again if the reward falls by more than this share; 1: never

  static CoralSettings read(JsonReader reader);  // strict
  nlohmann::ordered_json to_json() const;
};

class CoralLike : public Scheduler {
 public:
  CoralLike(const SchedulerInputs& inputs, const CoralSettings& settings);

  // The configuration on trial, or the best one. The knobs are the index of the network and stage, ordered by
  // accuracy (the least first; equal ones by name), and the index of the cap.
  Configuration decide(const Context& context) override;

  // After `trial_inputs` inputs their reward is known. With the share of late ones, the mean accuracy
  // delivered a (goal Q), and the mean energy e (budget E):
  //   goals met       min_error: 1 + a.  min_energy: 1 + e_1 / e, e_1 that of the very first trial
  //   otherwise       (1 - late share) * min(1, E/e) for min_error, * min(1, a/Q) for min_energy: below 1
  // Lateness is met with at most 10 % late (core/goal_judge.h); in a group an input is also late if it took
  // more than its share of the time. Energy that was not measured is taken as cap * time of work.
  //
  // The first trials are the least and the greatest configuration. Each next one lies half-way between the
  // two with the best rewards; each knob is then moved by its correlation with the reward over all trials
  // (+1: a quarter of their distance towards the greater value, -1: towards the lesser one). If that one was
  // tried already, a Latin hypercube of `samples` is drawn, and from those that were not tried one by the
  // softmax of its distance (steps of both knobs) from the best. No configuration is tried twice in a search,
  // which includes CORAL's list of forbidden ones (those below 1). After `trials` trials, or if nothing new
  // was drawn, it stays with the best one.
  //
  // Then, every `watch_inputs` inputs, it searches again from the start, with no trial remembered, if their
  // reward is below (1 - reopen_drop) times the best so far of that configuration, or if it falls below 1
  // from 1 or more.
  void observe(const Observation& observation) override;

  bool staying() const { return staying_; }

 private:
  struct Point {
    int network = 0, cap = 0;  // values of the knobs
    bool operator==(const Point& o) const { return network == o.network && cap == o.cap; }
  };
  struct Trial {
    Point point;
    double reward = 0;
  };
  struct Row {
    int model = 0, stage = 1;
  };
  void start_search();
  void end_trial(double reward);
  double reward() const;  // of the inputs since the last one
  bool was_tried(const Point& point) const;
  double correlation(int Point::*knob) const;
  Point half_way(const Point& a, const Point& b) const;
  bool draw(const Point& best, Point& drawn);

  const Goals goals_;
  const CoralSettings settings_;
  const std::vector<double> caps_w_;
  std::vector<Row> rows_;  // by accuracy
  Random random_;
  std::vector<Trial> trials_;  // of this search
  std::vector<Point> hypercube_;
  std::vector<int> strata_;
  Point point_;  // under trial, or the best one
  bool staying_ = false;
  double best_reward_ = 0;     // when staying
  double first_energy_j_ = 0;  // e_1; 0: not known yet
  // Since the last reward.
  int inputs_ = 0, late_ = 0;
  double accuracy_ = 0, energy_j_ = 0;
};

}  // namespace alertbench
