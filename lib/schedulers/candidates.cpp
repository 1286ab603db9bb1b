#include "schedulers/candidates.h"

#include <algorithm>
#include <utility>

namespace alertbench {
namespace {

double last_stage_s(const Profile& profile, int model) {
  return profile.latency_of({model, profile.models[static_cast<size_t>(model)].stages(), profile.caps() - 1})
      .mean_s;
}

}  // namespace

std::vector<int> models_by_name(const Profile& profile, Candidates kind) {
  std::vector<int> models;
  for (int m = 0; m < static_cast<int>(profile.models.size()); ++m)
    if (kind == Candidates::all ||
        profile.models[static_cast<size_t>(m)].anytime() == (kind == Candidates::anytime))
      models.push_back(m);
  std::sort(models.begin(), models.end(), [&](int a, int b) {
    return profile.models[static_cast<size_t>(a)].name < profile.models[static_cast<size_t>(b)].name;
  });
  return models;
}

std::vector<Configuration> configurations_by_name(const Profile& profile) {
  std::vector<Configuration> configurations;
  for (int m : models_by_name(profile, Candidates::all))
    for (int s = 1; s <= profile.models[static_cast<size_t>(m)].stages(); ++s)
      for (int c = 0; c < profile.caps(); ++c) configurations.push_back({m, s, c});
  return configurations;
}

int fastest_traditional(const Profile& profile) {
  const std::vector<int> models = models_by_name(profile, Candidates::traditional);
  return *std::min_element(models.begin(), models.end(),
                           [&](int a, int b) { return last_stage_s(profile, a) < last_stage_s(profile, b); });
}

int best_anytime(const Profile& profile) {
  const std::vector<int> models = models_by_name(profile, Candidates::anytime);
  auto key = [&](int m) {
    return std::make_pair(-profile.models[static_cast<size_t>(m)].accuracy.back(), last_stage_s(profile, m));
  };
  return *std::min_element(models.begin(), models.end(), [&](int a, int b) { return key(a) < key(b); });
}

}  // namespace alertbench
