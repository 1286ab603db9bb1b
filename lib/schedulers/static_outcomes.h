// Computes in hindsight the verdict of each single configuration over a complete recording.
#pragma once

#include <vector>

#include "core/goal_judge.h"
#include "schedulers/scheduler.h"

namespace alertbench {

// Returns one verdict for each of configurations_by_name(), over the judged inputs. Deadlines, waiting and
// the sharing within groups are as in a replay with that configuration (core/pacing.h). If inputs share no
// deadline and arrive closed, one pass over the times of each configuration is enough.
std::vector<GoalVerdict> static_verdicts(const SchedulerInputs& inputs);

}  // namespace alertbench
