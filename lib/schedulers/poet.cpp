#include "schedulers/poet.h"

#include <nlohmann/json.hpp>

namespace alertbench {

PoetSettings PoetAloneSettings::with_window() {
  PoetSettings settings;
  settings.window = 20;
  return settings;
}

PoetAloneSettings PoetAloneSettings::read(JsonReader reader) {
  PoetAloneSettings s;
  s.network = reader.text("network", s.network);
  s.controller = PoetSettings::read(std::move(reader), s.controller);
  return s;
}

nlohmann::ordered_json PoetAloneSettings::to_json() const {
  nlohmann::ordered_json j = {{"network", network}};
  j.update(controller.to_json());
  return j;
}

Poet::Poet(const SchedulerInputs& inputs, const PoetAloneSettings& settings)
    : network_(inputs, "poet", settings.network),
      controller_(inputs.profile, network_.model(), network_.stage(), settings.controller) {}

Configuration Poet::decide(const Context& context) {
  return network_.under(controller_.cap(network_.deadline_s(context)));
}

void Poet::observe(const Observation& observation) { controller_.observe(network_.latency_s(observation)); }

}  // namespace alertbench
