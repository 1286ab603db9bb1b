// An oracle that knows the true outcome of every configuration on the input it decides for.
#pragma once

#include "schedulers/scheduler.h"
#include "schedulers/true_outcomes.h"

namespace alertbench {

// Among the configurations that meet the goals on this input, it chooses the least energy (min_energy), or
// the least error and then the least energy (min_error). If none meets them, it chooses one that delivers
// something in time, then the highest accuracy, then the least energy; if none delivers anything, the least
// latency, then the least energy. Among equals it chooses the first by model name, stage and cap. It judges
// each input separately, whatever the goals' judge; a member of a group must meet its share of the group's
// time. It also knows when the next input arrives.
class Oracle : public Scheduler {
 public:
  explicit Oracle(const SchedulerInputs& inputs);
  Configuration decide(const Context& context) override;
  void observe(const Observation&) override {}

 private:
  const TrueOutcomes outcomes_;
  const Task task_;
  const Arrivals arrivals_;
  const double deadline_s_;
};

}  // namespace alertbench
