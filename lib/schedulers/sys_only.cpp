#include "schedulers/sys_only.h"

#include "schedulers/candidates.h"

namespace alertbench {

SysOnly::SysOnly(const SchedulerInputs& inputs, const PoetSettings& settings)
    : profile_(inputs.profile),
      model_(fastest_traditional(inputs.profile)),
      controller_(inputs.profile, model_, 1, settings) {}

Configuration SysOnly::decide(const Context& context) {
  return {model_, 1,
          controller_.cap(context.deadline_from_start_s / profile_.size_factor(model_, context.size))};
}

void SysOnly::observe(const Observation& observation) {
  controller_.observe(observation.last_stage_end_s / profile_.size_factor(model_, observation.size));
}

}  // namespace alertbench
