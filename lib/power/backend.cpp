#include "power/backend.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "power/cpufreq/sensors.h"
#include "power/guard/cap_guard.h"
#include "power/nvml/nvml.h"

namespace alertbench {
namespace {

bool nothing_to_cap(const PowercapTree& tree) {
  const auto packages = tree.packages();
  return !packages.empty() && std::all_of(packages.begin(), packages.end(),
                                          [](const PowercapZone* z) { return z->constraints.empty(); });
}

void open_rapl(PowerBackend& power, const PowerRequest& request, Clock& clock) {
  power.counter = make_rapl_counter(request.root, clock);
  if (request.caps_w.size() == 1 && nothing_to_cap(read_powercap_tree(request.root))) {
    power.caps = make_no_cap("rapl");
    power.notes.push_back(
        "power: this processor lets Linux read its energy, not cap it: the only cap stands for uncapped");
  } else {
    power.caps =
        make_rapl_cap({request.root, request.state_folder, request.caps_w, {}, request.nvml_library});
  }
  power.sampler = std::make_unique<EnergySampler>(*power.counter, power.counter->sample_interval_s());
}

// RAPL's counters where the machine has them (AMD), else sensors. Null, with the reasons, where there are
// none.
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

void open_cpufreq(PowerBackend& power, const PowerRequest& request, Clock& clock) {
  std::vector<std::string> why;
  power.counter = open_processor_counter(request, clock, why);
  if (power.counter)
    power.sampler = std::make_unique<EnergySampler>(*power.counter, power.counter->sample_interval_s());
  else
    power.notes.push_back(fmt::format("power: energy is modelled: {}", fmt::join(why, "; ")));
  power.caps = make_cpufreq_cap({request.root,
                                 request.state_folder,
                                 request.caps_w,
                                 request.frequencies,
                                 request.policies,
                                 {},
                                 request.nvml_library});
}

// Why `auto` does not take cpufreq; empty: it does.
std::vector<std::string> why_no_cpufreq(const PowerRequest& request, Clock& clock) {
  std::vector<std::string> why = probe_cpufreq(request.root, request.policies).no_caps;
  if (request.frequencies.empty()) why.push_back("no power.frequency_table");
  if (why.empty()) open_processor_counter(request, clock, why) ? why.clear() : void();
  return why;
}

// That of the networks, as CUDA says, unless it cannot be known. EnvironmentError where another one is asked
// for.
std::string gpu_of(const PowerRequest& request) {
  const Nvml nvml(request.nvml_library);
  const std::string uuid = request.cuda_bus_id.empty() ? "" : nvml.uuid_at(request.cuda_bus_id);
  if (uuid.empty() || request.gpu.empty()) return uuid.empty() ? request.gpu : uuid;
  if (const NvmlGpu gpu = nvml.find(request.gpu); gpu.uuid() != uuid)
    throw EnvironmentError(fmt::format(
        "power: nvml: power.gpu \"{}\" is {}, but the networks run on {} ({}): leave power.gpu out, or set "
        "CUDA_VISIBLE_DEVICES={}",
        request.gpu, gpu.label(), uuid, request.cuda_bus_id, gpu.uuid()));
  return uuid;
}

void open_nvml(PowerBackend& power, const PowerRequest& request, Clock& clock, bool cap_needed) {
  const std::string gpu = gpu_of(request);
  power.counter = make_nvml_counter(request.nvml_library, gpu, clock);
  try {
    power.caps = make_nvml_cap(
        {request.root, request.state_folder, request.nvml_library, gpu, request.caps_w, request.frequencies},
        clock);
  } catch (const CannotCap& e) {
    if (cap_needed || request.caps_w.size() != 1) throw;
    power.caps = make_no_cap("nvml");
    power.notes.push_back(fmt::format(
        "power: the GPU's energy is measured, its power is not capped: the only cap stands for uncapped. {}",
        e.what()));
  }
  power.sampler = std::make_unique<EnergySampler>(*power.counter, power.counter->sample_interval_s());
  if (gpu.empty() && Nvml(request.nvml_library).first_in_doubt())
    power.notes.push_back(
        "power: there are GPUs of several kinds, which CUDA may number in another order: name one by "
        "power.gpu, or set "
        "CUDA_DEVICE_ORDER=PCI_BUS_ID");
  if (request.device == "cpu")
    power.notes.push_back(
        "power: backend nvml caps and measures the GPU, but the networks run on the processor: neither is "
        "about them");
}

// What `auto` is here, and why not something better; nvml is opened at once.
std::string choose(PowerBackend& power, const PowerRequest& request, Clock& clock,
                   std::vector<std::string>& why) {
  if (request.device != "cpu") {
    try {
      PowerBackend gpu;
      open_nvml(gpu, request, clock, true);
      power = std::move(gpu);
      return "nvml";
    } catch (const CapsTaken&) {
      throw;
    } catch (const EnvironmentError& e) {
      why.push_back(e.what());
    }
    return "emulated";
  }
  const RaplProbe probe = probe_rapl(request.root);
  why.insert(why.end(), probe.no_caps.begin(), probe.no_caps.end());
  for (const std::string& w : probe.no_energy)
    if (std::find(why.begin(), why.end(), w) == why.end()) why.push_back(w);
  if (why.empty()) {
    try {
      make_rapl_counter(request.root, clock);
    } catch (const EnvironmentError& e) {
      why.push_back(e.what());
    }
  }
  if (why.empty()) return "rapl";
  const std::vector<std::string> no_cpufreq = why_no_cpufreq(request, clock);
  if (no_cpufreq.empty()) return "cpufreq";
  if (!request.frequencies.empty()) why.insert(why.end(), no_cpufreq.begin(), no_cpufreq.end());
  return "emulated";
}

}  // namespace

PowerBackend open_power(const PowerRequest& request, Clock& clock) {
  PowerBackend power;
  std::string backend = request.backend;
  if (backend == "auto") {
    std::vector<std::string> why;
    backend = choose(power, request, clock, why);
    power.notes.push_back(backend != "emulated"
                              ? fmt::format("power: backend auto is {} here", backend)
                              : fmt::format("power: backend auto is emulated here, energy is modelled: {}",
                                            fmt::join(why, "; ")));
    if (power.caps) return power;
  }
  if (backend == "rapl")
    open_rapl(power, request, clock);
  else if (backend == "cpufreq")
    open_cpufreq(power, request, clock);
  else if (backend == "nvml")
    open_nvml(power, request, clock, false);
  else if (backend == "none")
    power.caps = make_no_cap();
  else
    power.caps = make_emulated_cap(request.model);
  return power;
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
