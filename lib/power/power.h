// The interfaces of power caps and of energy. The backends that implement them are listed in
// power/registry.h.
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
  virtual void set(double cap_w) = 0;  // in force for the next execution; EnvironmentError if it is refused
  // The share of full speed at which the executor has to run the network itself, because no hardware does it:
  // 1 for hardware caps. Use live/capped_execution.h, which asks for it.
  virtual double emulated_speed() const { return 1.0; }
  virtual void restore() = 0;  // what was in force before the first set(); can be called any number of times
  // Whether hardware limits the power, so that the power drawn under a cap shows whether it is in force.
  virtual bool by_hardware() const { return false; }
  virtual double settle_s() const { return 0.25; }  // from set() until the power drawn has followed
  virtual std::vector<std::string> warnings() const { return {}; }
  // For the manifest.
  virtual nlohmann::ordered_json facts() const { return nlohmann::ordered_json::object(); }
};

// One period of one input: from its arrival to the next.
struct PeriodEnergy {
  std::optional<double> energy_j, active_power_w, idle_power_w;
};

class EnergyMeter {
 public:
  virtual ~EnergyMeter() = default;
  virtual std::string source() const = 0;         // one of energy_sources(), see core/energy_source.h
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
  virtual std::string source() const = 0;  // one of energy_sources(), see core/energy_source.h
  virtual std::string description()
      const = 0;  // whose energy it is and how it is measured: one line of facts()
  virtual double refresh_interval_s() const = 0;
  virtual std::vector<EnergyDomain> domains() const = 0;
  // The longest interval at which sample() must be called, so that no counter wraps more than once unseen:
  // half the time that a wrap takes at the highest power of the domain.
  virtual double sample_interval_s() const = 0;
  virtual void sample() = 0;
  // None if a domain could not be read, or could no longer be believed, since the previous reading; see
  // problems().
  virtual std::optional<EnergyReading> read() = 0;
  // Of each of domains(), as of the last reading; empty if they are not known separately.
  virtual std::vector<double> totals_j() const { return {}; }
  virtual std::vector<std::string> problems()
      const = 0;  // what made readings fail: the result does not count
  nlohmann::ordered_json facts() const;
};

// Windows shorter than this many refreshes say little by themselves.
constexpr double fewest_refreshes = 5;

// The reasons and the commands that would help, or else the backend that always works, as in messages on what
// a backend cannot do: "WHAT: REASON; REASON. To allow it: COMMAND; COMMAND".
std::string with_remedies(const std::string& what, const std::vector<std::string>& reasons,
                          const std::vector<std::string>& remedies);

// Speed from the power model; the executor idles for the rest.
std::unique_ptr<CapSetter> make_emulated_cap(const PowerModel& model);
// Never caps anything.
std::unique_ptr<CapSetter> make_no_cap(const std::string& backend = "none");

// Energy = active * busy + idle * (period - busy) by the profile's power model; no counter is read.
std::unique_ptr<EnergyMeter> make_model_meter(const Profile& profile);  // the profile must outlive it

// Energy from a counter: what it counted from begin_period() to end_period(), and for the rest of the period
// the idle power that it showed while the run waited for its inputs (until that is known, the profile's).
// Windows of fewer than five refreshes are counted in facts(). Such an input gets, for its own time, the
// power that the same counter showed in the profile for this network and cap. Adding up short windows would
// not help: a counter shows what was used up to its last refresh, so each window contains a part of the
// idling before it, and lacks its own end. Energy is empty if the counter fails. All must outlive it.
std::unique_ptr<EnergyMeter> make_counter_meter(EnergyCounter& counter, const Profile& profile);

}  // namespace alertbench
