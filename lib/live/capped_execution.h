// Executions under power caps. An emulated cap acts within the execution, a cap of hardware outside it;
// whoever executes through this class need not know which of the two it is.
#pragma once

#include <limits>

#include "live/executor.h"
#include "power/power.h"

namespace alertbench {

class CappedExecution {
 public:
  CappedExecution(CapSetter& caps, Clock& clock) : caps_(caps), clock_(clock) {}  // both must outlive it

  // Puts the cap in force for the following executions. Errors as of CapSetter::set().
  void set_cap(double cap_w) { caps_.set(cap_w); }
  // Runs the input that was fed to the network, to the end of a stage (from 1), or until the time `stop_at_s`
  // on the clock. See execute().
  Execution run(StagedModel& network, int target_stage,
                double stop_at_s = std::numeric_limits<double>::infinity()) const {
    return execute(network, {target_stage, stop_at_s, caps_.emulated_speed()}, clock_);
  }

 private:
  CapSetter& caps_;
  Clock& clock_;
};

}  // namespace alertbench
