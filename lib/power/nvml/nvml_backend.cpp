#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "power/nvml/nvml.h"
#include "power/rapl/powercap_tree.h"
#include "power/registry.h"

namespace alertbench {
namespace {

constexpr const char* gpus_file = "/dev/nvidiactl";

// The GPU that the networks run on, as CUDA says, unless that is not known. EnvironmentError if another one
// is asked for.
std::string gpu_of(const PowerRequest& request) {
  const Nvml nvml(request.nvml_library);
  const std::string uuid = request.cuda_bus_id.empty() ? "" : nvml.uuid_at(request.cuda_bus_id);
  if (uuid.empty() || request.gpu.empty()) return uuid.empty() ? request.gpu : uuid;
  if (const NvmlGpu gpu = nvml.find(request.gpu); gpu.uuid() != uuid)
    throw EnvironmentError(fmt::format(
        "power: nvml: power.gpu \"{}\" is {}, but the networks run on {} ({}): omit power.gpu, or set "
        "CUDA_VISIBLE_DEVICES={}",
        request.gpu, gpu.label(), uuid, request.cuda_bus_id, gpu.uuid()));
  return uuid;
}

PowerBackend open_nvml(const PowerRequest& request, Clock& clock) {
  const bool cap_needed = request.backend == "auto" || request.caps_w.size() != 1;
  const std::string gpu = gpu_of(request);
  PowerBackend power;
  power.counter = make_nvml_counter(request.nvml_library, gpu, clock);
  try {
    power.caps = make_nvml_cap(
        {request.root, request.state_folder, request.nvml_library, gpu, request.caps_w, request.frequencies},
        clock);
  } catch (const CannotCap& e) {
    if (cap_needed) throw;
    power.caps = make_no_cap("nvml");
    power.notes.push_back(fmt::format(
        "power: the GPU's energy is measured, but its power is not capped: the only cap means uncapped. {}",
        e.what()));
  }
  power.sample_counter();
  if (gpu.empty() && Nvml(request.nvml_library).first_in_doubt())
    power.notes.push_back(
        "power: there are GPUs of several kinds, which CUDA may number in another order: set power.gpu, or "
        "set CUDA_DEVICE_ORDER=PCI_BUS_ID");
  if (request.device == "cpu")
    power.notes.push_back(
        "power: backend nvml caps and measures the GPU, but the networks run on the processor: neither "
        "affects them");
  return power;
}

// Considers the GPU that the networks would run on; looks at its counter for a second.
PowerOutlook look_at_gpus(const PowerRequest& request, Clock& clock) {
  const NvmlProbe probe = probe_nvml(request.nvml_library, request.root);
  PowerOutlook outlook;
  outlook.applies = !probe.gpus.empty();
  outlook.remedies = probe.remedies;
  outlook.findings = to_json(probe);
  if (!outlook.applies) {
    outlook.no_caps = outlook.no_energy = probe.problems;
    return outlook;
  }
  outlook.no_caps = {"the GPU that runs the networks was not found"};
  try {
    const std::string uuid = Nvml(request.nvml_library).find(gpu_of(request)).uuid();
    for (const NvmlGpuProbe& p : probe.gpus)
      if (p.gpu.uuid() == uuid) outlook.no_caps = p.no_limit;
    outlook.findings["counter"] = make_nvml_counter(request.nvml_library, uuid, clock)->facts();
  } catch (const Error& e) {
    outlook.no_energy = {e.what()};
    outlook.findings["no_energy_because"] = outlook.no_energy;
  }
  return outlook;
}

}  // namespace

PowerBackendEntry nvml_backend() {
  PowerBackendEntry entry;
  entry.name = "nvml";
  entry.summary =
      "power limit (else clocks locked by power.frequency_table) and energy counter of an NVIDIA GPU; "
      "without permission, energy only and one cap";
  entry.hardware_caps = true;
  entry.open = open_nvml;
  entry.device = "cuda";
  entry.look = look_at_gpus;
  entry.only_opening_tells = true;
  entry.lock_file = [](const std::string& root) {
    return std::filesystem::exists(root_prefix(root) + gpus_file) ? gpus_file : "";
  };
  return entry;
}

}  // namespace alertbench
