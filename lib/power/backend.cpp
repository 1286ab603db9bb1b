#include "power/backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "base/error.h"
#include "core/energy_source.h"
#include "power/guard/cap_guard.h"
#include "power/registry.h"

namespace alertbench {
namespace {

PowerBackend open_auto(const PowerRequest& request, Clock& clock) {
  std::vector<std::string> why;
  const auto opened = [&](const PowerBackendEntry& entry) {
    PowerBackend power = entry.open(request, clock);
    power.notes.insert(power.notes.begin(), fmt::format("power: backend auto is {} here", entry.name));
    return power;
  };
  for (const PowerBackendEntry& entry : power_backends()) {
    if (entry.device != request.device) continue;
    if (!entry.only_opening_tells) {
      const PowerOutlook outlook = entry.look(request, clock);
      if (outlook.fits()) return opened(entry);
      const auto obstacles = outlook.obstacles();
      if (outlook.applies) why.insert(why.end(), obstacles.begin(), obstacles.end());
      continue;
    }
    try {
      return opened(entry);
    } catch (const CapsTaken&) {
      throw;
    } catch (const EnvironmentError& e) {
      why.push_back(e.what());
    }
  }
  PowerBackend power = find_power_backend("emulated")->open(request, clock);
  power.notes.push_back(
      fmt::format("power: backend auto is emulated here, energy is modelled: {}", fmt::join(why, "; ")));
  return power;
}

}  // namespace

PowerBackend open_power(const PowerRequest& request, Clock& clock) {
  const PowerBackendEntry* entry = find_power_backend(request.backend);
  if (!entry && request.backend != "auto")
    throw InputError(fmt::format("power: backend \"{}\" is not known; it can be: {}", request.backend,
                                 fmt::join(power_backend_names(), ", ")));
  PowerBackend power = entry ? entry->open(request, clock) : open_auto(request, clock);
  const std::vector<std::string>& sources = energy_sources();
  if (std::find(sources.begin(), sources.end(), power.energy_source()) == sources.end())
    throw std::logic_error(
        fmt::format("power backend {}: energy source \"{}\" is not in lib/core/energy_source.h, so no reader "
                    "would accept it",
                    power.caps->backend(), power.energy_source()));
  return power;
}

std::string with_remedies(const std::string& what, const std::vector<std::string>& reasons,
                          const std::vector<std::string>& remedies) {
  return fmt::format("{}: {}{}", what, fmt::join(reasons, "; "),
                     remedies.empty() ? "; choose --set power.backend=emulated"
                                      : fmt::format(". To allow it: {}", fmt::join(remedies, "; ")));
}

void PowerBackend::sample_counter() {
  sampler = std::make_unique<EnergySampler>(*counter, counter->sample_interval_s());
}

std::unique_ptr<EnergyMeter> PowerBackend::make_meter(const Profile& profile) {
  return counter ? make_counter_meter(*counter, profile) : make_model_meter(profile);
}

std::vector<std::string> PowerBackend::warnings() const {
  std::vector<std::string> all = notes;
  for (const std::string& w : caps->warnings()) all.push_back(w);
  return all;
}

std::vector<std::string> PowerBackend::problems() const {
  return counter ? counter->problems() : std::vector<std::string>();
}

nlohmann::ordered_json PowerBackend::facts() const {
  nlohmann::ordered_json j = {{"backend", caps->backend()}, {"energy_source", energy_source()}};
  if (const auto facts = caps->facts(); !facts.empty()) j["caps"] = facts;
  if (counter) j["counter"] = counter->facts();
  return j;
}

}  // namespace alertbench
