// The kinds of co-runner that a scenario can name.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "contention/kernel.h"

namespace alertbench {

// Where the workers of a kind run. Pinned, because a worker left to the kernel finds a free processor and
// disturbs nobody. What was measured beside one thread of inference: a compute worker on its processor slows
// it up to 2-fold, two of them 3-fold, one on another processor not at all. Beside two threads, whose slowest
// counts, one worker slows the inference as far already; a second one takes the processor of the other
// thread.
enum class Pinning {
  inference,  // worker w on processor w % threads of the inference's: two beside one thread share its
              // processor
  both,  // the first there, the second on placement.other_cpu: memory traffic disturbs from both. stress-ng:
         // both share the two
  other  // on placement.other_cpu, none of the inference's: what disturbs is on the GPU
};

// What a load on the processor is made from.
struct KernelSettings {
  uint64_t seed = 1;
  uint64_t buffer_bytes = 0;  // of kinds with buffers
};

// The stressor of stress-ng that a kind stands for.
struct StressNg {
  std::string stressor;                // empty: the kind is not one of stress-ng's
  std::vector<std::string> arguments;  // of this stressor's own
  std::string load_option;             // keeps a duty, in per cent; empty: the stressor cannot keep one

  explicit operator bool() const { return !stressor.empty(); }
};

struct CoRunnerKind {
  std::string name;
  Pinning pinning;
  std::string summary;    // for `alert-bench list co-runners`
  std::string unit = "";  // of the work of our own load; empty: not a load of ours
  // Makes our own load on the processor. Null: the load is on the GPU, or not ours.
  std::unique_ptr<Kernel> (*make_kernel)(const KernelSettings& settings) = nullptr;
  bool buffers = false;  // each worker has arrays of CoRunnerSpec::buffer_bytes in all
  bool on_gpu = false;   // its duty is a share of GPU time, not of a processor's
  StressNg stress_ng = {};

  bool own() const { return make_kernel || on_gpu; }
};

const std::vector<CoRunnerKind>& co_runner_kinds();
// The same list, to which a test may add. Nothing may be running meanwhile.
std::vector<CoRunnerKind>& co_runner_registry();

// InputError for a name that is none of them.
const CoRunnerKind& co_runner_kind(const std::string& name);

// Our own load on the processor. InputError for a kind that has none.
std::unique_ptr<Kernel> make_kernel(const std::string& kind, const KernelSettings& settings);

}  // namespace alertbench
