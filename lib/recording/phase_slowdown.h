// How far the co-runner slowed the networks in a recording: over all inputs, and phase by phase.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "core/profile.h"
#include "core/truth_table.h"

namespace alertbench {

// xi: what a network's last stage took, uncapped, over what the profile gives for an input of its size.
double slowdown_of(const TruthTable& truth, const Profile& profile, int model, int64_t input);

// Neighbouring inputs with the co-runner all on, or all off. xi over the inputs of the phase.
struct PhaseSlowdown {
  int64_t first = 0, end = 0;
  bool on = false;
  std::vector<double> median, mean;  // [network]
};
std::vector<PhaseSlowdown> phase_slowdowns(const TruthTable& truth, const Profile& profile);

// xi by network with and without the co-runner, at the median input and on average (networks shorter than a
// co-runner's burst meet it seldom); where inputs differ in size also how far it spreads with that, and had
// it been taken over the profile's latency at the mean size. And by phase: each one where there are few, else
// the first and last ones; quantiles over all.
nlohmann::ordered_json slowdown_facts(const TruthTable& truth, const Profile& profile);

}  // namespace alertbench
