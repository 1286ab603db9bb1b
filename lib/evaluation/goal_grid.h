// The goal settings of a cell: deadlines x accuracy goals (min_energy) or x power limits (min_error).
#pragma once

#include <vector>

#include "core/profile.h"
#include "scenario/scenario.h"

namespace alertbench {

struct GridSpec {
  int deadlines = 6, levels = 6;                       // each at least 2; 36 settings as published
  double deadline_low_x = 0.4, deadline_high_x = 2.0;  // times the profile's reference latency, evenly spaced
  // How its settings are judged; none: as the first goal setting of the scenario is.
  std::optional<Judge> judge = {};
  std::optional<GoalTolerance> tolerance = {};

  GoalJudging judging(const Scenario& scenario) const;
};

// n levels lie inside their range, at (i + 1/2)/n of it: accuracy goals between the least and the most
// accurate stage of any candidate, power limits between the lowest and the highest cap (E_goal = limit *
// deadline, or * mean period of timed arrivals). At the ends lie candidates' own accuracies: no expectation
// reaches the top one, and the fastest network alone meets the lowest. Deadlines include both ends, and vary
// slowest. Names: "energy-t0.40-a0.8671", "error-t0.40-p40.42".
std::vector<GoalSpec> goal_grid(const Profile& profile, Task task, const GridSpec& spec = {},
                                const GoalJudging& judging = {});

}  // namespace alertbench
