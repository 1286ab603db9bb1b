// The kinds of co-runner that a scenario can name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "contention/kernel.h"

namespace alertbench {

// Where the workers of a kind run. They are pinned, because the kernel would move an unpinned worker to a
// free processor, where it disturbs nobody. Measured beside one inference thread: a compute worker on the
// same processor slows it up to 2-fold, two workers up to 3-fold, and a worker on another processor not at
// all. With two inference threads, of which the slowest counts, one worker already slows the inference up to
// 2-fold; a second worker runs on the processor of the other thread.
enum class Pinning {
  // Worker w runs on the inference's processor number w % threads; two workers share the processor of a
  // single thread.
  inference,
  // The first worker runs on the inference's processor, the second on placement.other_cpu, because memory
  // traffic disturbs from both; the workers of stress-ng share both processors.
  both,
  other  // on placement.other_cpu, which the inference does not use; the disturbance is on the GPU
};

// The settings from which a load on the processor is made.
struct KernelSettings {
  uint64_t seed = 1;
  uint64_t buffer_bytes = 0;  // of kinds with buffers
};

// The stressor of stress-ng that a kind runs.
struct StressNg {
  std::string stressor;                // empty: the kind is not one of stress-ng's
  std::vector<std::string> arguments;  // specific to this stressor
  std::string load_option;             // sets a duty in per cent; empty: the stressor has no duty

  explicit operator bool() const { return !stressor.empty(); }
};

struct CoRunnerKind {
  std::string name;
  Pinning pinning;
  std::string summary;    // for `alert-bench list co-runners`
  std::string unit = "";  // unit of work of our own load; empty: not our own load
  // Makes our own load on the processor. Null if the load is on the GPU, or is not our own.
  std::unique_ptr<Kernel> (*make_kernel)(const KernelSettings& settings) = nullptr;
  bool buffers = false;  // each worker has arrays with a total of CoRunnerSpec::buffer_bytes
  bool on_gpu = false;   // its duty is a share of GPU time, not of processor time
  StressNg stress_ng = {};

  bool own() const { return make_kernel || on_gpu; }
};

const std::vector<CoRunnerKind>& co_runner_kinds();
// Returns the same list, to which a test may add while nothing is running.
std::vector<CoRunnerKind>& co_runner_registry();

// InputError for an unknown name.
const CoRunnerKind& co_runner_kind(const std::string& name);

// Makes our own load on the processor. InputError for a kind that has none.
std::unique_ptr<Kernel> make_kernel(const std::string& kind, const KernelSettings& settings);

}  // namespace alertbench
