#include "contention/kinds.h"

#include <fmt/format.h>

#include "base/error.h"

namespace alertbench {

const std::vector<CoRunnerKind>& co_runner_kinds() {
  static const std::vector<CoRunnerKind> kinds{
      {"none", Pinning::inference, "", false, "", "nothing beside the inference"},
      {"compute", Pinning::inference, "particles", false, "",
       "a particle filter on the inference's processor, dosed to a slow-down"},
      {"matrix", Pinning::inference, "flop", false, "",
       "products of dense matrices that fit the caches, likewise"},
      {"memory", Pinning::both, "bytes", false, "",
       "STREAM triads on the inference's processor and on another one (placement.other_cpu), dosed to a "
       "slow-down"},
      {"gpu-compute", Pinning::other, "flop", true, "",
       "products of dense matrices on the GPU of the inference (--device cuda), dosed to a slow-down"},
      {"gpu-memory", Pinning::other, "bytes", true, "", "copies within the memory of that GPU, likewise"},
      {"stress-ng-compute", Pinning::inference, "", false, "cpu",
       "stress-ng --cpu on the inference's processor, all the time, or with the duty as its --cpu-load: what "
       "it keeps alone there"},
      {"stress-ng-matrix", Pinning::inference, "", false, "matrix", "stress-ng --matrix there, all the time"},
      {"stress-ng-memory", Pinning::both, "", false, "stream",
       "stress-ng --stream, all the time: two share that processor and placement.other_cpu, each where the "
       "kernel puts it"},
      {"command", Pinning::inference, "", false, "",
       "any program (PARSEC, ...), only with --allow-commands"}};
  return kinds;
}

const CoRunnerKind& co_runner_kind(const std::string& name) {
  std::string known;
  for (const CoRunnerKind& kind : co_runner_kinds()) {
    if (kind.name == name) return kind;
    known += (known.empty() ? "" : ", ") + kind.name;
  }
  throw InputError(fmt::format("co-runner: kind \"{}\" is unknown; it is one of {}", name, known));
}

}  // namespace alertbench
