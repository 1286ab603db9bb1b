// A fake machine's powercap tree in a folder of its own.
#pragma once

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <map>
#include <string>
#include <vector>

#include "power/rapl/powercap_tree.h"
#include "support.h"

struct FakeMachine {
  static constexpr uint64_t server_range_uj = 262143328850;  // 2^32 steps of 61 uJ

  explicit FakeMachine(bool amd = false) {
    put(folder / "proc/cpuinfo",
        amd ? "processor\t: 0\nvendor_id\t: AuthenticAMD\n" : "vendor_id\t: GenuineIntel\n");
  }

  const std::string& root() const { return folder.path; }
  std::string file(const std::string& zone, const std::string& name) const {
    return folder / ("sys/class/powercap/" + zone + "/" + name);
  }
  void set(const std::string& zone, const std::string& name, const std::string& content) const {
    put(file(zone, name), content + "\n");
  }
  std::string get(const std::string& zone, const std::string& name) const {
    std::string text = content_of(file(zone, name));
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  // Blocks every use of a file, of root's too.
  void spoil(const std::string& zone, const std::string& name) const {
    std::filesystem::remove_all(file(zone, name));
    std::filesystem::create_directories(file(zone, name));
  }

  void zone(const std::string& id, const std::string& name, uint64_t energy_uj = 1000,
            uint64_t range_uj = server_range_uj) {
    set(id, "name", name);
    set(id, "energy_uj", std::to_string(energy_uj));
    set(id, "max_energy_range_uj", std::to_string(range_uj));
    set(id, "enabled", "1");
    ids.push_back(id);
  }
  void limits(const std::string& id, double long_w, double short_w, double max_w) {
    limit(id, 0, "long_term", long_w, max_w, 999424);
    limit(id, 1, "short_term", short_w, 2 * max_w, 1952);
  }
  void limit(const std::string& id, int index, const std::string& name, double watts, double max_w,
             int window_us) {
    const std::string begin = "constraint_" + std::to_string(index) + "_";
    set(id, begin + "name", name);
    set(id, begin + "power_limit_uw", std::to_string(static_cast<uint64_t>(watts * 1e6)));
    set(id, begin + "max_power_uw", std::to_string(static_cast<uint64_t>(max_w * 1e6)));
    set(id, begin + "time_window_us", std::to_string(window_us));
  }
  // Everything that a cap could change.
  std::map<std::string, std::string> caps() const {
    std::map<std::string, std::string> all;
    for (const std::string& id : ids)
      for (const char* name : {"constraint_0_power_limit_uw", "constraint_1_power_limit_uw", "enabled"})
        if (std::filesystem::is_regular_file(file(id, name))) all[id + "/" + name] = get(id, name);
    return all;
  }
  std::string state_file() const { return folder / "run/alert-bench/power-caps.json"; }

  Folder folder;
  std::vector<std::string> ids;
};

// One package with DRAM, core and psys, as a laptop or a desktop has them.
inline void one_package(FakeMachine& m, double max_w = 125) {
  m.zone("intel-rapl:0", "package-0");
  m.limits("intel-rapl:0", max_w, 1.25 * max_w, max_w);
  m.zone("intel-rapl:0:0", "core");
  m.zone("intel-rapl:0:1", "dram", 1000, 65712999613);
  m.zone("intel-rapl:1", "psys");
  m.limits("intel-rapl:1", 200, 220, 0);
}

// Two packages, numbered against their names.
inline void two_packages(FakeMachine& m) {
  for (int n : {0, 1}) {
    const std::string id = "intel-rapl:" + std::to_string(n);
    m.zone(id, "package-" + std::to_string(1 - n));
    m.limits(id, 150 + n, 180 + n, 150);
    m.zone(id + ":0", "dram", 1000, 65712999613);
  }
}
