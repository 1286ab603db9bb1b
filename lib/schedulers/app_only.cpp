#include "schedulers/app_only.h"

#include "schedulers/candidates.h"

namespace alertbench {

AppOnly::AppOnly(const SchedulerInputs& inputs) {
  const int model = best_anytime(inputs.profile);
  configuration_ = {model, inputs.profile.models[static_cast<size_t>(model)].stages(),
                    inputs.profile.caps() - 1};
}

}  // namespace alertbench
