// Both levels adapt, but neither knows about the other. The anytime network with the most accurate last stage
// runs until that stage or the deadline (as app-only), and the power cap follows feedback (as in sys-only) on
// what it believes to be the latency of the last stage. If the network was stopped at the deadline, the
// controller sees the deadline (without the short time that stopping takes), and concludes that all is well.
// It does the same for both tasks, for the reasons given in sys_only.h.
#pragma once

#include "schedulers/poet_controller.h"
#include "schedulers/scheduler.h"

namespace alertbench {

class NoCoord : public Scheduler {
 public:
  NoCoord(const SchedulerInputs& inputs, const PoetSettings& settings);
  Configuration decide(const Context& context) override;
  void observe(const Observation& observation) override;

 private:
  const Profile& profile_;
  const int model_, stage_;
  PoetController controller_;
};

}  // namespace alertbench
