#include <algorithm>

#include "base/error.h"
#include "power/rapl/rapl.h"
#include "power/registry.h"

namespace alertbench {
namespace {

bool nothing_to_cap(const PowercapTree& tree) {
  const auto packages = tree.packages();
  return !packages.empty() && std::all_of(packages.begin(), packages.end(),
                                          [](const PowercapZone* z) { return z->constraints.empty(); });
}

PowerBackend open_rapl(const PowerRequest& request, Clock& clock) {
  PowerBackend power;
  power.counter = make_rapl_counter(request.root, clock);
  if (request.caps_w.size() == 1 && nothing_to_cap(read_powercap_tree(request.root))) {
    power.caps = make_no_cap("rapl");
    power.notes.push_back(
        "power: this processor lets Linux read its energy, but not cap it: the only cap means uncapped");
  } else {
    power.caps =
        make_rapl_cap({request.root, request.state_folder, request.caps_w, {}, request.nvml_library});
  }
  power.sample_counter();
  return power;
}

PowerOutlook look_at_rapl(const PowerRequest& request, Clock& clock) {
  const RaplProbe probe = probe_rapl(request.root);
  PowerOutlook outlook;
  outlook.no_caps = probe.no_caps;
  outlook.no_energy = probe.no_energy;
  outlook.remedies = probe.remedies;
  nlohmann::ordered_json counter;
  if (outlook.no_energy.empty()) {
    try {
      counter = make_rapl_counter(request.root, clock)->facts();
    } catch (const Error& e) {
      outlook.no_energy.push_back(e.what());
    }
  }
  nlohmann::ordered_json& j = outlook.findings;
  j = {{"caps_can_be_set", outlook.no_caps.empty()}, {"energy_can_be_read", outlook.no_energy.empty()}};
  if (!outlook.no_caps.empty()) j["no_caps_because"] = outlook.no_caps;
  if (!outlook.no_energy.empty()) j["no_energy_because"] = outlook.no_energy;
  if (!counter.is_null()) j["counter"] = counter;
  j["powercap"] = to_json(probe.tree);
  return outlook;
}

}  // namespace

PowerBackendEntry rapl_backend() {
  PowerBackendEntry entry;
  entry.name = "rapl";
  entry.summary = "the processor's own power limits and energy counters (Intel; AMD: energy only, one cap)";
  entry.hardware_caps = true;
  entry.open = open_rapl;
  entry.device = "cpu";
  entry.look = look_at_rapl;
  entry.lock_file = [](const std::string& root) {
    const PowercapTree tree = read_powercap_tree(root);
    const auto packages = tree.packages();
    return packages.empty() ? "" : packages.front()->folder + "/name";
  };
  return entry;
}

}  // namespace alertbench
