// The power backend of a scenario, opened on this machine.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "power/cpufreq/frequency_table.h"
#include "power/energy_sampler.h"
#include "power/nvml/nvml_library.h"
#include "power/power.h"

namespace alertbench {

struct PowerRequest {
  std::string backend = "emulated";  // one of power_backend_names(), see power/registry.h
  std::string root = "/", state_folder;
  std::vector<double> caps_w;
  PowerModel model;
  FrequencyTable frequencies{};        // cpufreq; nvml if limits cannot be set
  std::vector<int> policies{};         // cpufreq; empty: all
  std::vector<std::string> sensors{};  // cpufreq; empty: RAPL's counters, else the processor's sensors
  std::string device = "cpu";          // where the networks run: "cpu" | "cuda"
  std::string gpu{};                   // nvml; see Nvml::find()
  // Every backend needs it if a killed run left changed caps of a GPU behind.
  std::string nvml_library = default_nvml_library;
  std::string cuda_bus_id{};  // nvml: of the GPU that the networks run on, if that is known
};

struct PowerBackend {
  PowerBackend() = default;
  PowerBackend(PowerBackend&&) = default;
  // What this object held ends in the right order: the caps, the sampler, then the counter that it samples.
  PowerBackend& operator=(PowerBackend&& other) noexcept {
    std::swap(counter, other.counter);
    std::swap(sampler, other.sampler);
    std::swap(caps, other.caps);
    std::swap(notes, other.notes);
    return *this;
  }

  std::unique_ptr<EnergyCounter> counter;  // null: energy comes from the profile's model
  std::unique_ptr<EnergySampler> sampler;  // of the counter, see sample_counter()
  std::unique_ptr<CapSetter> caps;
  std::vector<std::string> notes;  // what was chosen and why

  void sample_counter();  // from now on, as often as the counter needs it
  std::string energy_source() const { return counter ? counter->source() : "model"; }
  std::unique_ptr<EnergyMeter> make_meter(const Profile& profile);  // the profile must outlive it
  std::vector<std::string> warnings() const;
  std::vector<std::string> problems() const;  // why the result does not count
  nlohmann::ordered_json facts() const;
};

// Opens the backend that is asked for. With `auto`, that is the first one for the device of the networks
// whose caps can be set and whose energy can be read (in the order of power/registry.h), else `emulated`;
// notes then says why. `rapl` on a machine that has energy and nothing to cap (AMD), and `nvml` if caps of
// the GPU cannot be set, take one cap, which then means uncapped. InputError for an unknown backend,
// EnvironmentError as of the parts. `auto` is also refused while another run has this machine's caps; `nvml`
// is refused for another GPU than the networks'. The clock must outlive it.
PowerBackend open_power(const PowerRequest& request, Clock& clock);

}  // namespace alertbench
