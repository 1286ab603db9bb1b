#include "metrics/scheduler_traits.h"

#include <algorithm>

namespace alertbench {

SchedulerTraitsByName traits_of(const std::vector<std::string>& names) {
  SchedulerTraitsByName traits;
  for (const SchedulerInfo& info : known_schedulers())
    if (std::find(names.begin(), names.end(), info.name) != names.end()) traits[info.name] = info.traits;
  return traits;
}

nlohmann::ordered_json traits_json(const SchedulerTraitsByName& traits) {
  nlohmann::ordered_json j = nlohmann::ordered_json::object();
  for (const auto& [name, t] : traits)
    j[name] = {{"family", t.family}, {"promises", promised_goals(t.promises)}};
  return j;
}

SchedulerTraitsByName read_scheduler_traits(JsonReader& parent) {
  SchedulerTraitsByName traits;
  if (!parent.has("scheduler_info")) return traits;
  const nlohmann::json& info = parent.raw("scheduler_info");
  JsonReader reader = parent.object("scheduler_info");
  for (const auto& [name, unused] : info.items()) {
    JsonReader of_one = reader.object(name);
    SchedulerTraits t;
    t.family = of_one.text("family");
    t.promises = {false, false, false};
    for (const std::string& goal : of_one.texts("promises")) {
      if (goal == "deadline")
        t.promises.deadline = true;
      else if (goal == "accuracy")
        t.promises.accuracy = true;
      else if (goal == "energy")
        t.promises.energy = true;
      else if (of_one.unknown_keys() == UnknownKeys::refused)
        of_one.fail("promises", "\"" + goal + "\" is none of deadline, accuracy, energy");
    }
    of_one.finish();
    traits[name] = t;
  }
  reader.finish();
  return traits;
}

bool kept_its_promises(const SchedulerTraitsByName& traits, const std::string& scheduler, Task task,
                       const BrokenGoals& broken) {
  const auto found = traits.find(scheduler);
  if (found == traits.end()) return false;
  const Promises& p = found->second.promises;
  const bool other = task == Task::min_energy ? p.accuracy : p.energy;
  return !(p.deadline && other) && !(broken.deadline && p.deadline) && !(broken.other && other);
}

}  // namespace alertbench
