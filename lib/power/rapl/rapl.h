// Caps and energy by the powercap tree: Intel's running average power limit. AMD processors have the energy
// and nothing to cap.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "power/nvml/nvml_library.h"
#include "power/power.h"
#include "power/rapl/powercap_tree.h"

namespace alertbench {

// What this process may do with the tree of a machine, found out without changing anything.
struct RaplProbe {
  PowercapTree tree;
  std::vector<std::string> no_caps;    // why caps cannot be set; empty: they can
  std::vector<std::string> no_energy;  // why energy cannot be read; empty: it can
  std::vector<std::string> remedies;   // commands, in the order in which to give them
};
RaplProbe probe_rapl(const std::string& root = "/");

struct RaplCapSettings {
  std::string root = "/";
  std::string state_folder;    // see state_folder() in power/guard/cap_state.h; empty: the default
  std::vector<double> caps_w;  // that will be asked for
  // For tests: called with the path of each limit written.
  std::function<void(const std::string& file)> after_write;
  std::string nvml_library = default_nvml_library;  // for what a run on a GPU may have left behind
};

// Sets the long-term and the short-term limit of every package to the cap, or of every die if the zones are
// dies: a cap counts for each package. A zone that was off is switched on. Each set() reads the limits back,
// also if the cap is the one in force already: EnvironmentError if a limit does not stick, RunError if
// another program changed it meanwhile. Lock, watchdog and restoring as of GuardedCap. EnvironmentError with
// remedies if caps cannot be set.
std::unique_ptr<CapSetter> make_rapl_cap(const RaplCapSettings& settings);

// Package and DRAM counters, see PowercapTree::energy_domains(). Waits until they move, for at most 0.3 s. A
// package counter that cannot be read or stands still is an EnvironmentError; a DRAM counter is omitted, with
// a note in description(). The clock must outlive it.
std::unique_ptr<EnergyCounter> make_rapl_counter(const std::string& root, Clock& clock);

// The steps from one value of a counter to the next; `range` is the highest value that it shows. None if a
// step back cannot be a wrap, because the range is unknown or smaller than the value before.
std::optional<uint64_t> counter_step(uint64_t before, uint64_t now, std::optional<uint64_t> range);

}  // namespace alertbench
