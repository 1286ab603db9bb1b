// What each single configuration would have come to over a whole recording, in hindsight.
#pragma once

#include <vector>

#include "core/goal_judge.h"
#include "schedulers/scheduler.h"

namespace alertbench {

// One verdict for each of configurations_by_name(), over the judged inputs; deadlines, waiting and what a
// group shares are those of a replay with that configuration (core/pacing.h). In one pass over the times of
// each configuration where inputs share no deadline and arrive closed.
std::vector<GoalVerdict> static_verdicts(const SchedulerInputs& inputs);

}  // namespace alertbench
