#include "core/types.h"

namespace alertbench {

const char* to_string(Task task) { return task == Task::min_energy ? "min_energy" : "min_error"; }

Observation observation_of(const Configuration& configuration, const Context& context, const Outcome& outcome, double decide_s) {
  Observation seen;
  seen.configuration = configuration;
  seen.stages_finished = outcome.stages_finished;
  // From the start of the execution: what the profile's latencies count from, too.
  if (outcome.stages_finished > 0)
    seen.last_stage_end_s = outcome.stage_end_s[static_cast<size_t>(outcome.stages_finished - 1)] - outcome.wait_s;
  seen.busy_s = outcome.busy_s;
  seen.deadline_s = context.deadline_s;
  seen.period_s = context.period_s;
  seen.size = context.size;
  seen.decide_s = decide_s;
  seen.energy_j = outcome.energy_j;
  seen.idle_power_w = outcome.idle_power_w;
  return seen;
}

}  // namespace alertbench
