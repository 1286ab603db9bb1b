// Knows the true outcome of every configuration on the very input it decides for.
#pragma once

#include "schedulers/scheduler.h"
#include "schedulers/true_outcomes.h"

namespace alertbench {

// Among the configurations that meet the goals on this input: the least energy (min_energy); the least error,
// then the least energy (min_error). If none meets them: one that delivers something in time, then the
// highest accuracy, then the least energy; if none delivers anything, the least latency, then the least
// energy. Of equals the first by model name, stage, cap. It judges each input by itself, whatever the goals'
// judge; a member of a group is held to its share of the group's time.
class Oracle : public Scheduler {
 public:
  explicit Oracle(const SchedulerInputs& inputs);
  Configuration decide(const Context& context) override;
  void observe(const Observation&) override {}

 private:
  const TrueOutcomes outcomes_;
  const Task task_;
};

}  // namespace alertbench
