#include <fmt/format.h>

#include "base/error.h"
#include "power/nvml/nvml.h"
#include "power/sampled_counter.h"

namespace alertbench {

std::unique_ptr<EnergyCounter> make_nvml_counter(const std::string& library, const std::string& wanted,
                                                 Clock& clock) {
  const Nvml nvml(library);
  const NvmlGpu gpu = nvml.find(wanted);
  NvmlFailure no_counter, no_power;
  EnergyChannel c;
  c.about = {fmt::format("GPU {}", gpu.label()), 1e-3, 0, true};
  c.counts = gpu.energy_mj(&no_counter).has_value();
  if (!c.counts && !gpu.power_mw(&no_power))
    throw EnvironmentError(fmt::format(
        "power: nvml: the energy of {} cannot be read: {}; {}; choose --set power.backend=emulated",
        gpu.label(), no_counter.text, no_power.text));
  if (!c.counts) c.about.resolution_j = 0;
  c.origin = c.counts ? "nvmlDeviceGetTotalEnergyConsumption" : "nvmlDeviceGetPowerUsage";
  c.read = [gpu, counts = c.counts](std::string* why) -> std::optional<double> {
    NvmlFailure f;
    const auto value = counts ? gpu.energy_mj(&f) : gpu.power_mw(&f);
    if (value) return 1e-3 * static_cast<double>(*value);
    if (why) *why = f.text;
    return {};
  };
  const std::string whose = fmt::format("NVML's {} of the board of GPU {}, the processor not included",
                                        c.counts ? "energy counter" : "power readings", gpu.label());
  return make_sampled_counter({std::move(c)},
                              {"nvml", "energy of", whose, "choose --set power.backend=emulated"}, clock);
}

}  // namespace alertbench
