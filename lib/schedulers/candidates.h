// Which networks and configurations a scheduler may pick, in an order that does not depend on the order in
// the profile: by model name, then stage, then cap. So searches that keep the first of equal candidates do
// not depend on the profile's order either.
#pragma once

#include <vector>

#include "core/profile.h"

namespace alertbench {

enum class Candidates { all, traditional, anytime };

std::vector<int> models_by_name(const Profile& profile, Candidates kind);
std::vector<Configuration> configurations_by_name(const Profile& profile);

// Returns the traditional network with the least uncapped mean latency. There must be one.
int fastest_traditional(const Profile& profile);
// Returns the anytime network with the most accurate last stage; among equals, the one whose last stage is
// faster when uncapped. There must be one.
int best_anytime(const Profile& profile);

}  // namespace alertbench
