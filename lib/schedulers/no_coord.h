// Both levels adapt, neither knows of the other: the anytime network with the most accurate last stage runs
// until that stage or the deadline (as app-only), and the power cap follows feedback (as sys-only) on what it
// takes for the latency of the last stage. Where the network was stopped at the deadline the controller sees
// the deadline (not the little that a stop takes beyond it), and thinks all is well. Both tasks alike, for
// the reasons of sys_only.h.
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
