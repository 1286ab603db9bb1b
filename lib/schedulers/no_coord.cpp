#include "schedulers/no_coord.h"

#include <algorithm>

#include "schedulers/candidates.h"

namespace alertbench {

NoCoord::NoCoord(const SchedulerInputs& inputs, const PoetSettings& settings)
    : profile_(inputs.profile),
      model_(best_anytime(inputs.profile)),
      stage_(inputs.profile.models[static_cast<size_t>(model_)].stages()),
      controller_(inputs.profile, model_, stage_, settings) {}

Configuration NoCoord::decide(const Context& context) {
  return {model_, stage_,
          controller_.cap(context.deadline_from_start_s / profile_.size_factor(model_, context.size))};
}

void NoCoord::observe(const Observation& observation) {
  const bool finished = observation.stages_finished == stage_;
  const double latency_s = finished ? observation.last_stage_end_s
                                    : std::min(observation.busy_s, observation.deadline_from_start_s);
  controller_.observe(latency_s / profile_.size_factor(model_, observation.size));
}

}  // namespace alertbench
