// What results say of each scheduler: its family, and which goals it promises. In summary.json and
// evaluation.json:
//   "scheduler_info": {"sys-only": {"family": "one-level", "promises": ["deadline"]}, ...}
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json_reader.h"
#include "core/goal_judge.h"
#include "schedulers/scheduler.h"

namespace alertbench {

using SchedulerTraitsByName = std::map<std::string, SchedulerTraits>;

// Those of `names` that are registered.
SchedulerTraitsByName traits_of(const std::vector<std::string>& names);

nlohmann::ordered_json traits_json(const SchedulerTraitsByName& traits);
// Reads the key "scheduler_info" of `parent`; empty in files of before it. Strict; InputError.
SchedulerTraitsByName read_scheduler_traits(JsonReader& parent);

// The goals of a task that a run broke: `deadline`, and `other` for accuracy (min_energy) or energy
// (min_error).
struct BrokenGoals {
  bool deadline = false, other = false;
};

// Returns whether a violated setting broke no goal that the scheduler promised. Schedulers that `traits` lack
// promise everything.
bool kept_its_promises(const SchedulerTraitsByName& traits, const std::string& scheduler, Task task,
                       const BrokenGoals& broken);

// For reports: what the mark at a count or verdict means.
constexpr const char* unpromised_meaning =
    "* the scheduler does not promise the goals that are violated there (alert-bench list schedulers).";

}  // namespace alertbench
