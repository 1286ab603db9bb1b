// Everything that a live run needs, opened for one scenario: LibTorch, the data, the networks, caps, clock,
// placement.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/progress.h"
#include "live/cap_check.h"
#include "live/co_runner_control.h"
#include "live/network_bench.h"
#include "live/placement.h"
#include "models/inference_runtime.h"
#include "power/backend.h"
#include "scenario/scenario.h"
#include "workloads/workload.h"

namespace alertbench {

// InputError if the scenario does what only --allow-commands permits: it names programs or libraries to run,
// networks that are native code, or folders to which caps are written.
void refuse_commands(const Scenario& scenario);

// Opens the scenario's inputs. InputError if its data cannot be used; so call it before a result folder is
// begun.
std::unique_ptr<Workload> open_workload(const Scenario& scenario);

class LiveSession {
 public:
  // Pins the calling thread, loads the networks, builds and pauses the co-runner. Everything runs on the
  // calling thread. `data` must come from open_workload() of the same scenario. Without `allow_commands` it
  // calls refuse_commands(). Throws the errors of all parts.
  LiveSession(const Scenario& scenario, std::unique_ptr<Workload> data, bool allow_commands, bool quiet);
  ~LiveSession();

  // InputError if a profile that was measured elsewhere does not have the same networks, stages and caps.
  void check_profile(const Profile& profile, const std::string& path) const;
  // See live/profiler.h. An accuracy that the network file does not have is 0 in the profile, until it is
  // measured: call candidates_of() with `need_accuracy` if it will not be.
  Profile measure_profile();
  // See live/cap_check.h. Returns the warnings; power_facts() and problems() report the result.
  std::vector<std::string> check_caps(const Profile& profile);

  const Scenario& scenario;
  const Placement placement;  // with the processors chosen that the scenario does not name
  Progress progress;
  SystemClock clock;
  std::vector<int> harness_cpus;  // of the harness's own work beside the inference, read back
  std::vector<int> cpus;          // of the inference, read back
  std::unique_ptr<InferenceRuntime> runtime;
  const std::unique_ptr<Workload> workload;
  PowerBackend power;  // opened after the runtime, which knows its GPU
  std::unique_ptr<NetworkBench> bench;
  CoRunnerControl co_runner;

  std::string hardware() const;          // one line: the processor, and the GPU if networks run on one
  bool accuracy_measured() const;        // true with labels and trained weights for every network
  nlohmann::ordered_json facts() const;  // LibTorch, data, networks, placement, power: for the manifest
  nlohmann::ordered_json power_facts() const;
  std::vector<std::string> warnings() const;
  // Of co-runner, meter and caps: the reasons why the result is invalid.
  std::vector<std::string> problems() const;

 private:
  CapCheck cap_check_;
};

// Returns the networks that a scenario runs: its candidates, or all networks of its network file. InputError
// for unknown names, and if the file is for another workload. With `need_accuracy`, also if schedulers cannot
// use the accuracies in the file, or one is missing.
std::vector<NetworkSpec> candidates_of(const Scenario& scenario, bool need_accuracy = false);

}  // namespace alertbench
