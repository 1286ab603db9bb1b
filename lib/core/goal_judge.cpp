#include "core/goal_judge.h"

#include <algorithm>

namespace alertbench {
namespace {

bool has_accuracy_goal(const Goals& goals) { return goals.task == Task::min_energy && goals.accuracy; }
bool has_energy_goal(const Goals& goals) { return goals.task == Task::min_error && goals.energy_j; }

// Sums of some thousand numbers are exact to about this; who lies on the edge keeps the goal.
constexpr double rounding = 1e-12;

bool below(double mean, double goal) { return mean < goal - rounding; }
bool above(double mean_j, double goal_j) { return mean_j > goal_j * (1 + rounding); }
bool accuracy_missed(const Goals& goals, double mean) {
  return below(mean, *goals.accuracy - goals.tolerance.accuracy);
}
bool energy_missed(const Goals& goals, double mean_j) {
  return above(mean_j, *goals.energy_j * (1 + goals.tolerance.energy));
}

}  // namespace

Violations violations_of(const Goals& goals, const Outcome& outcome) {
  Violations v;
  v.deadline = outcome.stage_delivered == 0;
  if (has_accuracy_goal(goals)) v.accuracy = outcome.accuracy < *goals.accuracy;
  if (has_energy_goal(goals) && outcome.energy_j) v.energy = *outcome.energy_j > *goals.energy_j;
  return v;
}

void judge_means(const Goals& goals, GoalVerdict& v) {
  const bool late = v.late_share > allowed_share;
  v.violated_mean = v.violated_exact = late;
  v.shortfall = {};
  v.shortfall.late = std::max(0.0, v.late_share - allowed_share);
  if (has_accuracy_goal(goals)) {
    v.shortfall.accuracy = std::max(0.0, *goals.accuracy - v.mean_accuracy);
    v.violated_exact |= below(v.mean_accuracy, *goals.accuracy);
    v.violated_mean |= accuracy_missed(goals, v.mean_accuracy);
  }
  if (has_energy_goal(goals) && v.mean_energy_j) {
    v.shortfall.energy = std::max(0.0, *v.mean_energy_j / *goals.energy_j - 1);
    v.violated_exact |= above(*v.mean_energy_j, *goals.energy_j);
    v.violated_mean |= energy_missed(goals, *v.mean_energy_j);
  }
}

void GoalJudge::add(const Outcome& outcome, bool opens_group, Violations& violations) {
  ++inputs_;
  if (opens_group || groups_ == 0) ++groups_, group_is_late_ = false;
  if (violations.deadline && !group_is_late_) ++late_groups_, group_is_late_ = true;
  any_ += violations.any();
  deadline_ += violations.deadline;
  accuracy_ += violations.accuracy.value_or(false);
  energy_ += violations.energy.value_or(false);
  accuracy_sum_ += outcome.accuracy;
  if (outcome.energy_j) ++with_energy_, energy_sum_j_ += *outcome.energy_j;
  const auto n = static_cast<double>(inputs_);
  if (has_accuracy_goal(goals_)) violations.mean_accuracy = accuracy_missed(goals_, accuracy_sum_ / n);
  if (has_energy_goal(goals_) && with_energy_ > 0)
    violations.mean_energy = energy_missed(goals_, energy_sum_j_ / static_cast<double>(with_energy_));
}

GoalVerdict GoalJudge::verdict() const {
  GoalVerdict v;
  v.inputs = inputs_;
  v.groups = groups_;
  if (inputs_ == 0) return v;
  const auto n = static_cast<double>(inputs_), groups = static_cast<double>(groups_);
  v.late_share = static_cast<double>(late_groups_) / groups;
  v.mean_accuracy = accuracy_sum_ / n;
  if (with_energy_ > 0) v.mean_energy_j = energy_sum_j_ / static_cast<double>(with_energy_);
  judge_means(goals_, v);
  const auto share = [&](int64_t count) { return static_cast<double>(count) / n; };
  v.satisfaction = static_cast<double>(inputs_ - any_) / n;
  v.violated_strict = share(any_) > allowed_share || v.late_share > allowed_share;
  v.violations_deadline = share(deadline_);
  if (has_accuracy_goal(goals_)) v.violations_accuracy = share(accuracy_);
  if (has_energy_goal(goals_)) v.violations_energy = share(energy_);
  return v;
}

}  // namespace alertbench
