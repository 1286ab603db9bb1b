// Decides whether a run meets its goals. ALERT promises expectations, so goals on accuracy and energy apply
// to the means over the judged inputs (Judge::mean, the default); Judge::strict applies them to each input.
// Warm-up inputs are not judged.
//
//   goal                    mean                                              strict
//   deadline                at most 10 % of the groups are late               the same
//   accuracy (min_energy)   mean delivered accuracy >= goal - tolerance       } at most 10 % of the inputs
//   energy (min_error)      mean energy of a period <= goal * (1 + tolerance) } break any goal
//
// A single input is a group of one. A group is late if any of its members delivered nothing by the group's
// deadline. A miss delivers the profile's fail_accuracy. A setting is violated if any goal of its task is
// violated.
#pragma once

#include <cstdint>
#include <optional>

#include "core/types.h"

namespace alertbench {

// The share of groups that may be late; under strict judging, also the share of inputs that may break a goal.
constexpr double allowed_share = 0.1;

// The goals that a single outcome broke; nullopt if the task has no such goal, or the value is not known.
struct Violations {
  bool deadline = false;  // nothing was delivered in time
  std::optional<bool> accuracy, energy;
  // Whether the mean over the judged inputs up to and including this one misses its goal by more than the
  // tolerance; nullopt during the warm-up.
  std::optional<bool> mean_accuracy, mean_energy;
  bool any() const { return deadline || accuracy.value_or(false) || energy.value_or(false); }
};

// deadline: nothing was delivered in time. accuracy (min_energy): the delivered accuracy is below the goal.
// energy (min_error): the energy used exceeds the budget.
Violations violations_of(const Goals& goals, const Outcome& outcome);

// How far the means miss the goals, without tolerance; 0 if they meet them, nullopt if the task has no such
// goal or the value is not known.
struct Shortfall {
  double late = 0;                 // share of late groups above the allowed one
  std::optional<double> accuracy;  // goal - mean
  std::optional<double> energy;    // mean / goal - 1
};

struct GoalVerdict {
  int64_t inputs = 0, groups = 0;
  double late_share = 0;  // of the groups
  double mean_accuracy = 0;
  std::optional<double> mean_energy_j;  // of one period, over the inputs whose energy is known
  Shortfall shortfall;
  bool violated_mean = false;
  bool violated_exact = false;  // judged by means, without tolerance
  bool violated_strict = false;
  double satisfaction = 1;         // share of inputs that broke no goal
  double violations_deadline = 0;  // shares of inputs
  std::optional<double> violations_accuracy, violations_energy;

  bool violated(Judge judge) const { return judge == Judge::mean ? violated_mean : violated_strict; }
};

// Computes shortfall, violated_mean and violated_exact from late_share, mean_accuracy and mean_energy_j.
void judge_means(const Goals& goals, GoalVerdict& verdict);

// Judges a run while it proceeds. Only judged inputs may be added, in order. If none were added, nothing is
// violated.
class GoalJudge {
 public:
  explicit GoalJudge(const Goals& goals) : goals_(goals) {}
  // `violations` belongs to the outcome; this call fills in its mean_ flags.
  void add(const Outcome& outcome, bool opens_group, Violations& violations);
  GoalVerdict verdict() const;

 private:
  const Goals goals_;
  int64_t inputs_ = 0, groups_ = 0, late_groups_ = 0;
  bool group_is_late_ = false;
  int64_t any_ = 0, deadline_ = 0, accuracy_ = 0, energy_ = 0, with_energy_ = 0;
  double accuracy_sum_ = 0, energy_sum_j_ = 0;
};

}  // namespace alertbench
