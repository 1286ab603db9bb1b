// Where energies come from: the names that profiles, traces and results may have as `energy_source`.
#pragma once

#include <string>
#include <vector>

namespace alertbench {

inline const std::vector<std::string>& energy_sources() {
  static const std::vector<std::string> all{"model", "rapl", "nvml", "sensor"};
  return all;
}

}  // namespace alertbench
