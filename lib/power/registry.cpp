#include "power/registry.h"

#include <algorithm>
#include <utility>

namespace alertbench {

// Each is defined in the folder of its backend.
PowerBackendEntry emulated_backend();
PowerBackendEntry rapl_backend();
PowerBackendEntry cpufreq_backend();
PowerBackendEntry nvml_backend();
PowerBackendEntry none_backend();

namespace {

std::vector<PowerBackendEntry>& backend_entries() {
  static std::vector<PowerBackendEntry> all{
      emulated_backend(), rapl_backend(), cpufreq_backend(), nvml_backend(), none_backend(),
  };
  return all;
}

}  // namespace

std::vector<std::string> PowerOutlook::obstacles() const {
  std::vector<std::string> all = no_caps;
  for (const std::string& why : no_energy)
    if (std::find(all.begin(), all.end(), why) == all.end()) all.push_back(why);
  return all;
}

const std::vector<PowerBackendEntry>& power_backends() { return backend_entries(); }

const PowerBackendEntry* find_power_backend(const std::string& name) {
  for (const PowerBackendEntry& entry : backend_entries())
    if (entry.name == name) return &entry;
  return nullptr;
}

std::vector<std::string> power_backend_names() {
  std::vector<std::string> names;
  for (const PowerBackendEntry& entry : backend_entries()) names.push_back(entry.name);
  names.push_back("auto");
  return names;
}

RegisteredBackend::RegisteredBackend(PowerBackendEntry entry) {
  backend_entries().push_back(std::move(entry));
}
RegisteredBackend::~RegisteredBackend() { backend_entries().pop_back(); }

}  // namespace alertbench
