// Adapts the system only: always the fastest traditional network, the power cap by feedback
// (poet_controller.h). Both tasks alike: it keeps to the deadline, on average over inputs, with the least
// energy. It has no handle on accuracy, and of an energy budget it knows nothing; it stays below one only by
// saving.
#pragma once

#include "schedulers/poet_controller.h"
#include "schedulers/scheduler.h"

namespace alertbench {

class SysOnly : public Scheduler {
 public:
  SysOnly(const SchedulerInputs& inputs, const PoetSettings& settings);
  Configuration decide(const Context& context) override;
  void observe(const Observation& observation) override;

 private:
  const Profile& profile_;
  const int model_;
  PoetController controller_;
};

}  // namespace alertbench
