// Adapts the system only: it always runs the fastest traditional network, and sets the power cap by feedback
// (poet_controller.h). It does the same for both tasks: it meets the deadline on average over the inputs,
// with the least energy. It cannot control accuracy and does not know the energy budget; it stays below the
// budget only because it saves energy.
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
