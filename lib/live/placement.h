// Chooses the processors of inference, harness and co-runner: requested in the scenario, read back, and
// recorded.
#pragma once

#include <string>
#include <vector>

#include "scenario/scenario.h"

namespace alertbench {

// 0: of the calling thread; empty if they cannot be determined.
std::vector<int> allowed_cpus(int process = 0);
// Returns the processors that are threads of the same core as `cpu`, including `cpu`; empty if that cannot be
// determined. `root` is the prefix of /sys.
std::vector<int> threads_of_core(int cpu, const std::string& root = "");
std::string cpu_list(const std::vector<int>& cpus);  // "0-3,8"

struct Placement {
  Scenario scenario;               // with inference_cpu and other_cpu set
  std::vector<std::string> notes;  // on processors that share a core, and on an inference that is not pinned
};
// Chooses from `allowed` (the processors that taskset, Slurm or a cpuset allow) those that the scenario does
// not name: for the inference the first consecutive processors, for other_cpu the first one of another core,
// or the first remaining one if there is no other core. EnvironmentError with key and remedy if named
// processors are not allowed, or if there are too few. Call it before any child is started.
Placement choose_processors(const Scenario& scenario, const std::vector<int>& allowed,
                            const std::string& root = "");
// Pins the calling thread, and everything that it starts later, to `count` processors from `first` on, or to
// the processors in `otherwise` if `first` is -1. EnvironmentError that names the scenario's key (within
// `placement`) if that is not possible. Returns the processors that the thread may use afterwards.
std::vector<int> pin_thread(const std::string& key, int first, int count, const std::vector<int>& otherwise);

}  // namespace alertbench
