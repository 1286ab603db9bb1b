// What Linux shows under /sys/class/powercap: the zones of Intel's (and AMD's) running average power limit,
// read as they are. An own reader and not libpowercap, because the folder that stands before /sys is a
// parameter here: that library has it wired in, so nothing that uses it can be tested without the hardware.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace alertbench {

// "/" becomes "": what to put before "/sys/..." and "/proc/...".
std::string root_prefix(const std::string& root);

struct PowercapConstraint {
  int index = 0;
  std::string name;  // "long_term" | "short_term" | "peak_power"; match by this, the index is no promise
  std::optional<uint64_t> power_limit_uw, max_power_uw, time_window_us;
  std::string limit_file;  // below the root: "/sys/class/powercap/.../constraint_0_power_limit_uw"

  // max_power_uw where it can be meant: firmware also gives 0, or hundreds of kilowatts.
  std::optional<double> sane_max_w() const;
};

enum class PowercapKind { package, dram, core, uncore, psys, other };
const char* to_string(PowercapKind kind);

struct PowercapZone {
  std::string id;            // the folder: "intel-rapl:0", "intel-rapl:0:1", "intel-rapl-mmio:0"
  std::string control_type;  // "intel-rapl" | "intel-rapl-mmio"
  std::string parent;        // id of the zone it is part of; empty for a zone of its own
  std::string name;          // "package-0", "package-0-die-1", "dram", "psys", ...
  PowercapKind kind = PowercapKind::other;
  std::optional<int> package, die;  // as the name says
  std::string folder;               // below the root
  std::optional<uint64_t> energy_uj, max_energy_range_uj;
  std::optional<bool> enabled;
  std::vector<PowercapConstraint> constraints;
  std::vector<std::string> problems;  // what is missing or cannot be read, and why

  bool mmio() const { return control_type == "intel-rapl-mmio"; }
  const PowercapConstraint* constraint(const std::string& wanted) const;  // null where it has none
};

struct PowercapTree {
  std::string prefix;               // root_prefix() of the root it was read from
  std::vector<PowercapZone> zones;  // by control type, then number
  bool amd = false;                 // /proc/cpuinfo says so
  std::vector<std::string> problems;

  // Zones whose caps bound a package (or a die of it), set one by one; never psys, never the mmio twins.
  std::vector<const PowercapZone*> packages() const;
  // Zones whose counters add up to what packages and their memory use, none counted twice: packages (all
  // dies) and their DRAM; not psys (holds the packages), core and uncore (part of them), mmio (the same
  // counters). On AMD the dies of a package all show the counter of the package: only the first counts.
  std::vector<const PowercapZone*> energy_domains() const;
  const PowercapZone* mmio_twin(const PowercapZone& package) const;  // null where there is none
};

// Never throws for what the tree lacks: that is in `problems`.
PowercapTree read_powercap_tree(const std::string& root = "/");
nlohmann::ordered_json to_json(const PowercapTree& tree);

// The first line of a file without the blanks at its end; empty where it cannot be read.
std::string sysfs_line(const std::string& path);
// The whole content of a small file as a number; `why` says what was wrong.
std::optional<uint64_t> read_sysfs_number(const std::string& path, std::string* why = nullptr);
// One write() of the decimal number, as sysfs wants it. Empty, or the reason. `path` lies below `prefix`
// (root_prefix() of the machine): what leads out of PREFIX/sys, is a symbolic link or has a second name is
// refused, and so is what is not of sysfs where the prefix is empty, because a tree that somebody made up
// could name any file.
std::string write_sysfs_number(const std::string& prefix, const std::string& path, uint64_t value);
// The reason why this process could not write a sysfs file; empty where it could. A file without any write
// bit counts as read-only for root too, as it does in sysfs.
std::string why_not_writable(const std::string& path);

}  // namespace alertbench
