// The goal settings of a cell: deadlines x accuracy goals (min_energy) or x power limits (min_error).
#pragma once

#include <vector>

#include "core/profile.h"
#include "scenario/scenario.h"

namespace alertbench {

struct GridSpec {
  int deadlines = 6, levels = 6;              // each at least 2; 36 settings as published
  double deadline_low_x = 0.4, deadline_high_x = 2.0;  // times the profile's reference latency, evenly spaced
};

// Levels are evenly spaced and include both ends: accuracy goals from the least to the most accurate stage of any
// candidate, power limits from the lowest to the highest cap (E_goal = limit * deadline). Deadlines vary slowest. Names:
// "energy-t0.40-a0.8639", "error-t0.40-p35".
std::vector<GoalSpec> goal_grid(const Profile& profile, Task task, const GridSpec& spec = {});

}  // namespace alertbench
