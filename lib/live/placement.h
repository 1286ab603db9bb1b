// Which processors inference, harness and co-runner run on: asked for in the scenario, read back, recorded.
#pragma once

#include <string>
#include <vector>

namespace alertbench {

std::vector<int> allowed_cpus(int process = 0);  // 0: of the calling thread; empty where it cannot be known
// Pins the calling thread, and all it starts later, to `count` processors from `first` on; first = -1: to those of `otherwise`.
// EnvironmentError, with the scenario's key (of `placement`), where that is not possible. Returns what is in force afterwards.
std::vector<int> pin_thread(const std::string& key, int first, int count, const std::vector<int>& otherwise);

}  // namespace alertbench
