// The best single configuration for the whole recording, in hindsight.
#pragma once

#include <vector>

#include "core/goal_judge.h"
#include "schedulers/scheduler.h"

namespace alertbench {

// Index into `verdicts` (static_verdicts) of the configuration to take for which `allowed` is true, as
// OracleStatic takes it; -1 where none is allowed. `must_meet`: -1 as well where none of them meets the
// goals.
int best_static(const Goals& goals, const std::vector<GoalVerdict>& verdicts,
                const std::vector<bool>& allowed, bool must_meet);

// Among the configurations that meet the goals, as they are judged (core/goal_judge.h), over the judged
// inputs: the best mean objective (energy or error), then the least mean energy. If there is none: the one
// least beyond its goals (late share first, then the shortfall of accuracy or energy; read strictly, the
// fewest inputs that break one), then the same. Of equals the first by model name, stage, cap.
class OracleStatic : public Scheduler {
 public:
  explicit OracleStatic(const SchedulerInputs& inputs);  // computes the choice
  Configuration decide(const Context&) override { return choice_; }
  void observe(const Observation&) override {}

 private:
  Configuration choice_;
};

}  // namespace alertbench
