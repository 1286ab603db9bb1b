// The best single configuration for the complete recording, in hindsight.
#pragma once

#include <vector>

#include "core/goal_judge.h"
#include "schedulers/scheduler.h"

namespace alertbench {

// Returns the index into `verdicts` (static_verdicts) of the configuration that OracleStatic would choose
// among those for which `allowed` is true; -1 if none is allowed. With `must_meet`, also -1 if none of them
// meets the goals.
int best_static(const Goals& goals, const std::vector<GoalVerdict>& verdicts,
                const std::vector<bool>& allowed, bool must_meet);

// Among the configurations that meet the goals over the judged inputs, as goals are judged
// (core/goal_judge.h), it chooses the best mean objective (energy or error), then the least mean energy. If
// there is none, it chooses the one that misses its goals least (late share first, then the shortfall of
// accuracy or energy; under strict judging, the fewest inputs that break a goal), then by the same criteria.
// Among equals it chooses the first by model name, stage and cap.
class OracleStatic : public Scheduler {
 public:
  explicit OracleStatic(const SchedulerInputs& inputs);  // computes the choice
  Configuration decide(const Context&) override { return choice_; }
  void observe(const Observation&) override {}

 private:
  Configuration choice_;
};

}  // namespace alertbench
