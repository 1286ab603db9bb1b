#include "schedulers/fixed_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "schedulers/candidates.h"

namespace alertbench {
namespace {

int stages_of(const Profile& profile, int model) {
  return profile.models[static_cast<size_t>(model)].stages();
}

int chosen_network(const SchedulerInputs& inputs) {
  const Profile& profile = inputs.profile;
  std::vector<int> models = models_by_name(profile, Candidates::traditional);
  if (models.empty()) models = models_by_name(profile, Candidates::anytime);
  const auto key = [&](int m) {
    const double latency_s = profile.latency_of({m, stages_of(profile, m), profile.caps() - 1}).mean_s;
    const bool fits = latency_s <= inputs.goals.deadline_s;
    const double accuracy = profile.models[static_cast<size_t>(m)].accuracy.back();
    return std::make_tuple(!fits, fits ? -accuracy : 0.0, latency_s);
  };
  return *std::min_element(models.begin(), models.end(), [&](int a, int b) { return key(a) < key(b); });
}

int named_network(const Profile& profile, const std::string& scheduler, const std::string& network) {
  const int model = profile.model_index(network);
  if (model >= 0) return model;
  std::vector<std::string> names;
  for (const ModelProfile& m : profile.models) names.push_back(m.name);
  throw InputError(
      fmt::format("scheduler_settings: {}: network: \"{}\" is no candidate; use auto, or one of {}",
                  scheduler, network, fmt::join(names, ", ")));
}

}  // namespace

FixedNetwork::FixedNetwork(const SchedulerInputs& inputs, const std::string& scheduler,
                           const std::string& network)
    : profile_(inputs.profile),
      model_(network == "auto" ? chosen_network(inputs) : named_network(inputs.profile, scheduler, network)),
      stage_(stages_of(inputs.profile, model_)) {}

double FixedNetwork::latency_s(const Observation& o) const {
  const double latency_s =
      o.stages_finished == stage_ ? o.last_stage_end_s : std::min(o.busy_s, o.deadline_from_start_s);
  return latency_s / profile_.size_factor(model_, o.size);
}

}  // namespace alertbench
