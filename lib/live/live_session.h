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

// InputError where the scenario does what only --allow-commands lets it do: programs and libraries that it
// names, and folders below which it has caps written.
void refuse_commands(const Scenario& scenario);

// The scenario's inputs. InputError where its data cannot be used, which is worth knowing before a result
// folder is begun.
std::unique_ptr<Workload> open_workload(const Scenario& scenario);

class LiveSession {
 public:
  // Pins the calling thread, loads the networks, builds and pauses the co-runner. Everything runs on the
  // calling thread. `data`: open_workload() of the same scenario. Without `allow_commands` as
  // refuse_commands(). Errors as of the parts.
  LiveSession(const Scenario& scenario, std::unique_ptr<Workload> data, bool allow_commands, bool quiet);
  ~LiveSession();

  // A profile measured elsewhere must know the same networks, stages and caps (InputError).
  void check_profile(const Profile& profile, const std::string& path) const;
  Profile measure_profile();  // see live/profiler.h
  // See live/cap_check.h; what comes out is told by power_facts() and problems(). Returns warnings.
  std::vector<std::string> check_caps(const Profile& profile);

  const Scenario& scenario;
  const Placement placement;  // the processors of a scenario that names none
  Progress progress;
  SystemClock clock;
  std::vector<int> harness_cpus;  // of what the harness runs beside the inference, read back
  std::vector<int> cpus;          // of the inference, read back
  std::unique_ptr<InferenceRuntime> runtime;
  const std::unique_ptr<Workload> workload;
  PowerBackend power;  // opened behind the runtime, which knows its GPU
  std::unique_ptr<NetworkBench> bench;
  CoRunnerControl co_runner;

  std::string hardware() const;    // what networks run on, in one line: the processor, on a GPU that as well
  bool accuracy_measured() const;  // labels and trained weights for every network
  nlohmann::ordered_json facts() const;  // LibTorch, data, networks, placement, power: for the manifest
  nlohmann::ordered_json power_facts() const;
  std::vector<std::string> warnings() const;
  std::vector<std::string> problems() const;  // of co-runner, meter and caps: why the result does not count

 private:
  CapCheck cap_check_;
};

// The networks that a scenario runs: its candidates, or all of its network file. InputError for names that
// are not there, and where the file is for another workload.
std::vector<NetworkSpec> candidates_of(const Scenario& scenario);

}  // namespace alertbench
