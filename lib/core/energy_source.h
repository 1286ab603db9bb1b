// The values that `energy_source` may have in profiles, traces and results.
#pragma once

#include <string>
#include <vector>

namespace alertbench {

inline const std::vector<std::string>& energy_sources() {
  static const std::vector<std::string> all{"model", "rapl", "nvml", "sensor"};
  return all;
}

}  // namespace alertbench
