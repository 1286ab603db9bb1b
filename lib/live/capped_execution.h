// Executes networks under power caps. An emulated cap acts within the execution, a hardware cap outside it;
// callers of this class need not know which of the two is used.
#pragma once

#include <limits>

#include "live/executor.h"
#include "power/power.h"

namespace alertbench {

class CappedExecution {
 public:
  CappedExecution(CapSetter& caps, Clock& clock) : caps_(caps), clock_(clock) {}  // both must outlive it

  // Puts the cap in force for the following executions. Throws the errors of CapSetter::set().
  void set_cap(double cap_w) { caps_.set(cap_w); }
  // Runs the network on its current input to the end of a stage (counted from 1), or until the clock shows
  // `stop_at_s`. See execute().
  Execution run(StagedModel& network, int target_stage,
                double stop_at_s = std::numeric_limits<double>::infinity()) const {
    return execute(network, {target_stage, stop_at_s, caps_.emulated_speed()}, clock_);
  }

 private:
  CapSetter& caps_;
  Clock& clock_;
};

}  // namespace alertbench
