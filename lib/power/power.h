// Power caps and energy, behind small interfaces. Backends: `emulated` (a cap that idles within the
// inference, energy from a model), `rapl` (the powercap tree of Intel and AMD processors), `cpufreq` (highest
// frequencies, and power sensors), `nvml` (NVIDIA GPUs), `none` (uncapped, energy from the model).
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "core/profile.h"

namespace alertbench {

class CapSetter {
 public:
  virtual ~CapSetter() = default;
  virtual std::string backend() const = 0;
  virtual void set(double cap_w) = 0;  // in force for the next execution; EnvironmentError where refused
  // The share of full speed at which the executor has to run the network itself, because no hardware does: 1
  // for hardware caps. See live/executor.h.
  virtual double emulated_speed() const { return 1.0; }
  virtual void restore() = 0;  // what was there before the first set(); any number of times
  virtual bool by_hardware() const {
    return false;
  }  // what is drawn under a cap then shows whether it is in force
  virtual double settle_s() const { return 0.25; }  // from set() until the power drawn has followed
  virtual std::vector<std::string> warnings() const { return {}; }
  virtual nlohmann::ordered_json facts() const {
    return nlohmann::ordered_json::object();
  }  // for the manifest
};

// One period of one input: from its arrival to the next.
struct PeriodEnergy {
  std::optional<double> energy_j, active_power_w, idle_power_w;
};

class EnergyMeter {
 public:
  virtual ~EnergyMeter() = default;
  virtual std::string source() const = 0;         // "model" | "rapl" | "nvml" | "sensor" | "none"
  virtual std::string description() const = 0;    // one line for the manifest
  virtual double refresh_interval_s() const = 0;  // 0: continuous
  virtual void begin_idle() {}                    // from here to begin_period() nothing of the run works
  virtual void begin_period() = 0;
  virtual PeriodEnergy end_period(int model, int cap, double busy_s, double period_s) = 0;
  virtual nlohmann::ordered_json facts() const { return nlohmann::ordered_json::object(); }
};

// What a counter of hardware has counted since it was opened.
struct EnergyReading {
  double at_s = 0;      // on the clock
  double total_j = 0;   // all domains
  double capped_j = 0;  // those that a cap bounds
};

struct EnergyDomain {
  std::string name;                      // "package-0", "dram of package-0"
  double resolution_j = 0, range_j = 0;  // 0: unknown; range: after so much the counter starts again from 0
  bool capped = false;
};

// A counter of hardware. Thread-safe.
class EnergyCounter {
 public:
  virtual ~EnergyCounter() = default;
  virtual std::string source() const = 0;
  virtual std::string description() const = 0;
  virtual double refresh_interval_s() const = 0;
  virtual std::vector<EnergyDomain> domains() const = 0;
  // How often sample() must be called at least, so that no counter starts again unseen more than once: twice
  // a wrap at the highest power that the domain can have.
  virtual double sample_interval_s() const = 0;
  virtual void sample() = 0;
  // None where a domain could not be read, or was no longer to be believed, since the reading before; see
  // problems().
  virtual std::optional<EnergyReading> read() = 0;
  // Of each of domains(), as of the last reading; empty where they are not known apart.
  virtual std::vector<double> totals_j() const { return {}; }
  virtual std::vector<std::string> problems()
      const = 0;  // what made readings fail: the result does not count
  nlohmann::ordered_json facts() const;
};

// Windows shorter than this many refreshes say little by themselves.
constexpr double fewest_refreshes = 5;

// Speed from the power model; the executor idles for the rest.
std::unique_ptr<CapSetter> make_emulated_cap(const PowerModel& model);
// Never caps anything.
std::unique_ptr<CapSetter> make_no_cap(const std::string& backend = "none");

// Energy = active * busy + idle * (period - busy) by the profile's power model; no counter is read.
std::unique_ptr<EnergyMeter> make_model_meter(const Profile& profile);  // the profile must outlive it

// From a counter: what it counted from begin_period() to end_period(), and for what is left of the period the
// idle power that it showed while the run waited for its inputs (until that is known: the profile's). Windows
// of fewer than five refreshes are flagged in facts(), and such an input gets the power that the same counter
// showed in the profile for this network and cap, over its own time. Adding short windows up would not help:
// a counter shows what was used up to its last refresh, so each of them holds a part of the idling before it,
// and lacks its own end. Energy is empty where the counter fails. All must outlive it.
std::unique_ptr<EnergyMeter> make_counter_meter(EnergyCounter& counter, const Profile& profile);

}  // namespace alertbench
