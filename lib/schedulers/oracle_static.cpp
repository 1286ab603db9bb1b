#include "schedulers/oracle_static.h"

#include <algorithm>
#include <limits>
#include <tuple>

#include "schedulers/candidates.h"
#include "schedulers/static_outcomes.h"

namespace alertbench {
namespace {

// How far a configuration is beyond its goals; the lowest is the best.
std::pair<double, double> beyond(const Goals& goals, const GoalVerdict& v) {
  if (!v.violated(goals.judge)) return {0, 0};
  if (goals.judge == Judge::strict) return {1 - v.satisfaction, 0};
  return {v.shortfall.late, std::max(v.shortfall.accuracy.value_or(0), v.shortfall.energy.value_or(0))};
}

}  // namespace

int best_static(const Goals& goals, const std::vector<GoalVerdict>& verdicts,
                const std::vector<bool>& allowed, bool must_meet) {
  std::tuple<double, double, double, double> best;
  int choice = -1;
  for (size_t k = 0; k < verdicts.size(); ++k) {
    if (!allowed[k] || (must_meet && verdicts[k].violated(goals.judge))) continue;
    const auto [late, missed] = beyond(goals, verdicts[k]);
    const double energy_j = verdicts[k].mean_energy_j.value_or(0), error = 1 - verdicts[k].mean_accuracy;
    const std::tuple key{late, missed, goals.task == Task::min_energy ? energy_j : error, energy_j};
    if (choice >= 0 && !(key < best)) continue;
    best = key;
    choice = static_cast<int>(k);
  }
  return choice;
}

OracleStatic::OracleStatic(const SchedulerInputs& inputs) {
  const std::vector<GoalVerdict> verdicts = static_verdicts(inputs);
  const int k = best_static(inputs.goals, verdicts, std::vector<bool>(verdicts.size(), true), false);
  choice_ = configurations_by_name(inputs.profile)[static_cast<size_t>(k)];
}

}  // namespace alertbench
