#include "schedulers/true_outcomes.h"

#include <limits>

#include "schedulers/candidates.h"

namespace alertbench {

TrueOutcomes::TrueOutcomes(const TruthTable& truth, const Profile& profile, const Goals& goals)
    : truth_(truth),
      inputs_stride_(static_cast<size_t>(truth.rows * truth.caps)),
      stage_stride_(static_cast<size_t>(truth.caps)),
      fail_accuracy_(profile.fail_accuracy),
      idle_w_(profile.idle_power_w) {
  accuracy_goal_ = goals.task == Task::min_energy ? goals.accuracy.value_or(-infinity) : -infinity;
  energy_goal_j_ = goals.task == Task::min_error ? goals.energy_j.value_or(infinity) : infinity;
  for (const Configuration& c : configurations_by_name(profile)) {
    const ModelProfile& model = profile.models[static_cast<size_t>(c.model)];
    entries_.push_back({c, model.anytime(),
                        static_cast<size_t>(profile.first_row(c.model) * truth.caps + c.cap),
                        model.accuracy.data(), profile.active_power_of(c.model, c.cap)});
  }
}

}  // namespace alertbench
