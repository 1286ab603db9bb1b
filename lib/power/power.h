// Power caps and energy, behind two small interfaces. Today's backend is `emulated` (a cap that idles within the
// inference, energy from a model); hardware backends (RAPL, cpufreq, NVML) fit the same interfaces.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/profile.h"

namespace alertbench {

class CapSetter {
 public:
  virtual ~CapSetter() = default;
  virtual std::string backend() const = 0;
  virtual void set(double cap_w) = 0;  // in force for the next execution; EnvironmentError where refused
  // The share of full speed at which the executor has to run the network itself, because no hardware does: 1 for
  // hardware caps. See live/executor.h.
  virtual double emulated_speed() const { return 1.0; }
  virtual void restore() = 0;  // what was there before the first set(); any number of times
};

// One period of one input: from its arrival to the next.
struct PeriodEnergy {
  std::optional<double> energy_j, active_power_w, idle_power_w;
};

class EnergyMeter {
 public:
  virtual ~EnergyMeter() = default;
  virtual std::string source() const = 0;           // "model" | "rapl" | "nvml" | "sensor" | "none"
  virtual std::string description() const = 0;      // one line for the manifest
  virtual double refresh_interval_s() const = 0;    // 0: continuous
  virtual void begin_period() = 0;
  virtual PeriodEnergy end_period(int model, int cap, double busy_s, double period_s) = 0;
};

// Speed from the power model; the executor idles for the rest.
std::unique_ptr<CapSetter> make_emulated_cap(const PowerModel& model);
// Energy = active * busy + idle * (period - busy) by the profile's power model; no counter is read.
std::unique_ptr<EnergyMeter> make_model_meter(const Profile& profile);  // the profile must outlive it

}  // namespace alertbench
