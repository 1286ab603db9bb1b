// The registry that make_scheduler() uses, with one entry for each scheduler.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/json_reader.h"
#include "schedulers/scheduler.h"

namespace alertbench {

struct SchedulerEntry {
  SchedulerInfo info;
  // `settings` is the scheduler's own object of a scenario, which both functions read strictly.
  std::unique_ptr<Scheduler> (*make)(const SchedulerInputs& inputs, JsonReader settings);
  nlohmann::ordered_json (*effective)(JsonReader settings);  // with defaults filled in
};

// The settings of a scheduler that has no settings.
struct NoSettings {
  static NoSettings read(JsonReader reader) {
    reader.finish();
    return {};
  }
  nlohmann::ordered_json to_json() const { return nlohmann::ordered_json::object(); }
};

// Returns the entry of class S. Its constructor takes SchedulerInputs, followed by Settings unless they
// derive from NoSettings.
template <class S, class Settings>
SchedulerEntry scheduler_entry(SchedulerInfo info) {
  return {std::move(info),
          [](const SchedulerInputs& inputs, JsonReader reader) -> std::unique_ptr<Scheduler> {
            [[maybe_unused]] const Settings settings = Settings::read(std::move(reader));
            if constexpr (std::is_base_of_v<NoSettings, Settings>)
              return std::make_unique<S>(inputs);
            else
              return std::make_unique<S>(inputs, settings);
          },
          [](JsonReader reader) { return Settings::read(std::move(reader)).to_json(); }};
}

// All entries, in the order in which `list`, tables and results name them. A test may add to them while
// nothing is running.
std::vector<SchedulerEntry>& scheduler_registry();

}  // namespace alertbench
