// The power backend of a scenario, opened on this machine.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "power/cpufreq/cpufreq.h"
#include "power/nvml/nvml_library.h"
#include "power/power.h"
#include "power/rapl/rapl.h"

namespace alertbench {

struct PowerRequest {
  std::string backend = "emulated";  // "emulated" | "rapl" | "cpufreq" | "nvml" | "none" | "auto"
  std::string root = "/", state_folder;
  std::vector<double> caps_w;
  PowerModel model;
  FrequencyTable frequencies{};        // cpufreq; nvml where limits cannot be set
  std::vector<int> policies{};         // cpufreq; empty: all
  std::vector<std::string> sensors{};  // cpufreq; empty: RAPL's counters, else the processor's sensors
  std::string device = "cpu";          // where the networks run: "cpu" | "cuda"
  std::string gpu{};                   // nvml; see Nvml::find()
  std::string nvml_library =
      default_nvml_library;   // where there are caps of a GPU to put back, any backend needs it
  std::string cuda_bus_id{};  // nvml: of the GPU that the networks run on, where that is known
};

struct PowerBackend {
  PowerBackend() = default;
  PowerBackend(PowerBackend&&) = default;
  // What was there ends in the right order: the caps, the sampler, then the counter it samples.
  PowerBackend& operator=(PowerBackend&& other) noexcept {
    std::swap(counter, other.counter);
    std::swap(sampler, other.sampler);
    std::swap(caps, other.caps);
    std::swap(notes, other.notes);
    return *this;
  }

  std::unique_ptr<EnergyCounter> counter;  // null: energy comes from the profile's model
  std::unique_ptr<EnergySampler> sampler;  // of the counter, from time to time
  std::unique_ptr<CapSetter> caps;
  std::vector<std::string> notes;  // what was chosen and why

  std::string energy_source() const { return counter ? counter->source() : "model"; }
  std::unique_ptr<EnergyMeter> make_meter(const Profile& profile);  // the profile must outlive it
  std::vector<std::string> warnings() const;
  std::vector<std::string> problems() const;  // why the result does not count
  nlohmann::ordered_json facts() const;
};

// `auto` is, for networks on the processor, rapl where caps can be set and energy be read, else cpufreq where
// a table is given and both can be done; for networks on a GPU nvml where both can be done; else emulated;
// notes then says why. `rapl` on a machine that has energy and nothing to cap (AMD), and `nvml` where caps of
// the GPU cannot be set, take one cap, which then means uncapped. EnvironmentError as of the parts; where
// another run has this machine's caps, `auto` is refused as well; so is nvml for another GPU than the
// networks'. The clock must outlive it.
PowerBackend open_power(const PowerRequest& request, Clock& clock);

}  // namespace alertbench
