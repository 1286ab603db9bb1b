// Caps and energy by the powercap tree (Intel's running average power limit; AMD has the energy and nothing
// to cap).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "power/nvml/nvml_library.h"
#include "power/power.h"
#include "power/rapl/powercap_tree.h"

namespace alertbench {

// What this process may do with the tree of a machine, found without changing anything.
struct RaplProbe {
  PowercapTree tree;
  std::vector<std::string> no_caps;    // why caps cannot be set; empty: they can
  std::vector<std::string> no_energy;  // why energy cannot be read; empty: it can
  std::vector<std::string> remedies;   // commands, in the order in which to give them
};
RaplProbe probe_rapl(const std::string& root = "/");

struct RaplCapSettings {
  std::string root = "/";
  std::string state_folder;    // see state_folder() in power/cap_state.h; empty: the default
  std::vector<double> caps_w;  // that will be asked for
  std::function<void(const std::string& file)>
      after_write;                                  // for tests: called with the path of each limit written
  std::string nvml_library = default_nvml_library;  // for what a run on a GPU may have left behind
};

// Sets the long-term and the short-term limit of every package (of every die where the zones are dies) to the
// cap: a cap counts for each package. A zone that was off is switched on. Each set() reads the limits back,
// also where the cap is the one in force already: EnvironmentError where it did not take, RunError where
// another program changed it meanwhile. Made: locks the machine against other runs, starts the watchdog,
// notes what it found (power/cap_guard.h). Destroyed: puts all of it back. EnvironmentError with the mend
// where caps cannot be set.
std::unique_ptr<CapSetter> make_rapl_cap(const RaplCapSettings& settings);

// Package and DRAM counters, see PowercapTree::energy_domains(). Waits (0.3 s at most) until they move:
// EnvironmentError for a package counter that cannot be read or stands still, a note in description() for
// DRAM. The clock must outlive it.
std::unique_ptr<EnergyCounter> make_rapl_counter(const std::string& root, Clock& clock);

// The steps from one value of a counter to the next, `range` being the highest value it shows. None where the
// step back cannot be a wrap: the range is unknown, or smaller than the value before.
std::optional<uint64_t> counter_step(uint64_t before, uint64_t now, std::optional<uint64_t> range);

}  // namespace alertbench
