// Which processors the inference runs on: asked for in the scenario, read back, recorded.
#pragma once

#include <string>
#include <vector>

namespace alertbench {

std::vector<int> allowed_cpus();  // of the calling thread
// Pins the calling thread, and all it starts later, to `count` processors from `first` on; first = -1 pins nowhere.
// EnvironmentError where that is not possible. Returns what is in force afterwards.
std::vector<int> pin_inference(int first, int count);

}  // namespace alertbench
