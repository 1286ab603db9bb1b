// Which networks and configurations a scheduler may pick, in an order that does not depend on the order in
// the profile: by model name, then stage, then cap. Searches that keep the first of equals are thereby
// independent of it too.
#pragma once

#include <vector>

#include "core/profile.h"

namespace alertbench {

enum class Candidates { all, traditional, anytime };

std::vector<int> models_by_name(const Profile& profile, Candidates kind);
std::vector<Configuration> configurations_by_name(const Profile& profile);

// The traditional network with the least mean latency, uncapped. There must be one.
int fastest_traditional(const Profile& profile);
// The anytime network with the most accurate last stage; of equals the one with the faster last stage,
// uncapped. There must be one.
int best_anytime(const Profile& profile);

}  // namespace alertbench
