// Adapts the application only: the anytime network with the most accurate last stage, run until that stage or
// the deadline, under the system default (the highest cap). It does the same for both tasks: it delivers the
// best output that it can in time, whatever energy that takes.
#pragma once

#include "schedulers/scheduler.h"

namespace alertbench {

class AppOnly : public Scheduler {
 public:
  explicit AppOnly(const SchedulerInputs& inputs);
  Configuration decide(const Context&) override { return configuration_; }
  void observe(const Observation&) override {}

 private:
  Configuration configuration_;
};

}  // namespace alertbench
