#include <fmt/format.h>

#include "base/error.h"
#include "power/cpufreq/cpufreq.h"
#include "power/cpufreq/sensors.h"
#include "power/rapl/rapl.h"
#include "power/registry.h"

namespace alertbench {
namespace {

// RAPL's counters if the machine has them (AMD), else sensors. Null, with the reasons, if there are none.
std::unique_ptr<EnergyCounter> open_processor_counter(const PowerRequest& request, Clock& clock,
                                                      std::vector<std::string>& why) {
  if (request.sensors.empty()) {
    try {
      return make_rapl_counter(request.root, clock);
    } catch (const EnvironmentError& e) {
      why.push_back(e.what());
    }
  }
  try {
    return make_sensor_counter(request.root, request.sensors, clock);
  } catch (const EnvironmentError& e) {
    if (!request.sensors.empty()) throw;
    why.push_back(e.what());
  }
  return nullptr;
}

PowerBackend open_cpufreq(const PowerRequest& request, Clock& clock) {
  PowerBackend power;
  std::vector<std::string> why;
  power.counter = open_processor_counter(request, clock, why);
  if (power.counter)
    power.sample_counter();
  else
    power.notes.push_back(fmt::format("power: energy is modelled: {}", fmt::join(why, "; ")));
  power.caps = make_cpufreq_cap({request.root,
                                 request.state_folder,
                                 request.caps_w,
                                 request.frequencies,
                                 request.policies,
                                 {},
                                 request.nvml_library});
  return power;
}

PowerOutlook look_at_cpufreq(const PowerRequest& request, Clock& clock) {
  const CpufreqProbe probe = probe_cpufreq(request.root, request.policies);
  PowerOutlook outlook;
  outlook.no_caps = probe.no_caps;
  outlook.remedies = probe.remedies;
  outlook.applies = !request.frequencies.empty();
  if (!outlook.applies) outlook.no_caps.push_back("no power.frequency_table");
  if (outlook.no_caps.empty()) {
    std::vector<std::string> why;
    if (!open_processor_counter(request, clock, why)) outlook.no_energy = why;
  }
  outlook.findings = {{"cpufreq", to_json(probe)}, {"sensors", to_json(probe_sensors(request.root))}};
  return outlook;
}

}  // namespace

PowerBackendEntry cpufreq_backend() {
  PowerBackendEntry entry;
  entry.name = "cpufreq";
  entry.summary =
      "highest frequencies by power.frequency_table; energy from RAPL's counters (AMD) or power sensors";
  entry.hardware_caps = true;
  entry.open = open_cpufreq;
  entry.device = "cpu";
  entry.look = look_at_cpufreq;
  entry.lock_file = [](const std::string& root) {
    const CpufreqProbe probe = probe_cpufreq(root);
    return probe.policies.empty() ? "" : highest_file(probe.policies.front());
  };
  return entry;
}

}  // namespace alertbench
