// The kinds of co-runner that a scenario can name.
#pragma once

#include <string>
#include <vector>

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

struct CoRunnerKind {
  std::string name;
  Pinning pinning;
  std::string unit;       // of the work of our own load; empty: not a load of ours
  bool on_gpu;            // its duty is a share of GPU time, not of a processor's
  std::string stress_ng;  // the stressor of stress-ng that it is; empty: none
  std::string summary;    // for `alert-bench list co-runners`

  bool own() const { return !unit.empty(); }
};

const std::vector<CoRunnerKind>& co_runner_kinds();

// InputError for a name that is none of them.
const CoRunnerKind& co_runner_kind(const std::string& name);

}  // namespace alertbench
