// Adapts the application only: the anytime network with the most accurate last stage, run until that stage or
// the deadline, under the system default (the highest cap). Both tasks alike: it delivers the best it can in
// time, and energy is whatever that takes.
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
