#include "evaluation/goal_grid.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace alertbench {
namespace {

// Evenly spaced, both ends as they are.
std::vector<double> steps(double low, double high, int count) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i)
    values.push_back(i + 1 == count ? high : low + (high - low) * i / (count - 1));
  return values;
}

}  // namespace

GoalJudging GridSpec::judging(const Scenario& scenario) const {
  GoalJudging judging = scenario.goals.empty() ? GoalJudging{} : scenario.goals.front().judging;
  judging.judge = judge.value_or(judging.judge);
  judging.tolerance = tolerance.value_or(judging.tolerance);
  return judging;
}

std::vector<GoalSpec> goal_grid(const Profile& profile, Task task, const GridSpec& spec,
                                const GoalJudging& judging) {
  if (spec.deadlines < 2 || spec.levels < 2)
    throw InputError(
        fmt::format("grid: {} deadlines x {} levels; use at least 2 of each", spec.deadlines, spec.levels));
  if (!(spec.deadline_low_x > 0 && spec.deadline_high_x > spec.deadline_low_x))
    throw InputError(
        fmt::format("grid: deadlines from {} to {} times the reference latency; they must be above 0 and in "
                    "ascending order",
                    spec.deadline_low_x, spec.deadline_high_x));
  double low = profile.caps_w.front(), high = profile.caps_w.back();
  if (task == Task::min_energy) {
    low = 1, high = 0;
    for (const ModelProfile& m : profile.models)
      for (const double accuracy : m.accuracy) low = std::min(low, accuracy), high = std::max(high, accuracy);
  }
  std::vector<GoalSpec> grid;
  std::vector<double> levels;
  for (int i = 0; i < spec.levels; ++i) levels.push_back(low + (high - low) * (i + 0.5) / spec.levels);
  for (const double deadline_x : steps(spec.deadline_low_x, spec.deadline_high_x, spec.deadlines))
    for (size_t l = 0; l < levels.size(); ++l) {
      GoalSpec g;
      g.task = task;
      g.judging = judging;
      g.deadline_x = deadline_x;
      if (task == Task::min_energy) {
        g.name = fmt::format("energy-t{:.2f}-a{:.4f}", deadline_x, levels[l]);
        g.accuracy = levels[l];
      } else {
        g.name = fmt::format("error-t{:.2f}-p{:.4g}", deadline_x, levels[l]);
        g.power_limit_w = levels[l];
      }
      grid.push_back(g);
    }
  for (size_t i = 0; i < grid.size(); ++i)  // candidates that are all equally accurate, or one cap
    for (size_t k = 0; k < i; ++k)
      if (grid[i].name == grid[k].name) {
        grid[i].name += fmt::format("-{}", i + 1);
        break;
      }
  return grid;
}

}  // namespace alertbench
