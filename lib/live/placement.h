// Which processors inference, harness and co-runner run on: asked for in the scenario, read back, recorded.
#pragma once

#include <string>
#include <vector>

#include "scenario/scenario.h"

namespace alertbench {

std::vector<int> allowed_cpus(int process = 0);  // 0: of the calling thread; empty where it cannot be known
// The processors, `cpu` among them, that are threads of one core; empty where that cannot be known. `root`
// stands before /sys.
std::vector<int> threads_of_core(int cpu, const std::string& root = "");
std::string cpu_list(const std::vector<int>& cpus);  // "0-3,8"

struct Placement {
  Scenario scenario;  // with inference_cpu and other_cpu set
  std::vector<std::string>
      notes;  // processors that are threads of one core; an inference that is pinned nowhere
};
// Chooses from `allowed` (as taskset, Slurm or a cpuset left it) what the scenario does not name: for the
// inference the first processors in a row, for other_cpu the first of another core, else the first that is
// left. EnvironmentError with key and mend where named ones are not allowed, and where there are too few:
// before any child is started.
Placement choose_processors(const Scenario& scenario, const std::vector<int>& allowed,
                            const std::string& root = "");
// Pins the calling thread, and all it starts later, to `count` processors from `first` on; first = -1: to
// those of `otherwise`. EnvironmentError, with the scenario's key (of `placement`), where that is not
// possible. Returns what is in force afterwards.
std::vector<int> pin_thread(const std::string& key, int first, int count, const std::vector<int>& otherwise);

}  // namespace alertbench
