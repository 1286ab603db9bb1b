#include "contention/kinds.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "contention/loads/kernels.h"

namespace alertbench {
namespace {

CoRunnerKind own_kind(const char* name, Pinning pinning, const char* unit,
                      std::unique_ptr<Kernel> (*make)(const KernelSettings&), const char* summary) {
  CoRunnerKind kind{name, pinning, summary};
  kind.unit = unit;
  kind.make_kernel = make;
  return kind;
}

CoRunnerKind with_buffers(CoRunnerKind kind) {
  kind.buffers = true;
  return kind;
}

CoRunnerKind gpu_kind(const char* name, const char* unit, const char* summary) {
  CoRunnerKind kind{name, Pinning::other, summary};
  kind.unit = unit;
  kind.on_gpu = true;
  return kind;
}

CoRunnerKind stress_ng_kind(const char* name, Pinning pinning, StressNg stressor, const char* summary) {
  CoRunnerKind kind{name, pinning, summary};
  kind.stress_ng = std::move(stressor);
  return kind;
}

}  // namespace

std::vector<CoRunnerKind>& co_runner_registry() {
  static std::vector<CoRunnerKind> kinds{
      {"none", Pinning::inference, "nothing beside the inference"},
      own_kind("compute", Pinning::inference, "particles", make_compute_kernel,
               "a particle filter on the inference's processor, dosed to a slow-down"),
      own_kind("matrix", Pinning::inference, "flop", make_matrix_kernel,
               "products of dense matrices that fit the caches, likewise"),
      with_buffers(own_kind("memory", Pinning::both, "bytes", make_memory_kernel,
                            "STREAM triads on the inference's processor and on another one "
                            "(placement.other_cpu), dosed to a slow-down")),
      gpu_kind(
          "gpu-compute", "flop",
          "products of dense matrices on the GPU of the inference (--device cuda), dosed to a slow-down"),
      gpu_kind("gpu-memory", "bytes", "copies within the memory of that GPU, likewise"),
      stress_ng_kind("stress-ng-compute", Pinning::inference, {"cpu", {}, "--cpu-load"},
                     "stress-ng --cpu on the inference's processor, all the time, or with the duty as its "
                     "--cpu-load: what it keeps alone there"),
      stress_ng_kind("stress-ng-matrix", Pinning::inference, {"matrix", {"--matrix-method", "prod"}, ""},
                     "stress-ng --matrix there, all the time"),
      stress_ng_kind(
          "stress-ng-memory", Pinning::both, {"stream", {}, ""},
          "stress-ng --stream, all the time: two share that processor and placement.other_cpu, each "
          "where the kernel puts it"),
      {"command", Pinning::inference, "any program (PARSEC, ...), only with --allow-commands"}};
  return kinds;
}

const std::vector<CoRunnerKind>& co_runner_kinds() { return co_runner_registry(); }

const CoRunnerKind& co_runner_kind(const std::string& name) {
  std::string known;
  for (const CoRunnerKind& kind : co_runner_kinds()) {
    if (kind.name == name) return kind;
    known += (known.empty() ? "" : ", ") + kind.name;
  }
  throw InputError(fmt::format("co-runner: kind \"{}\" is unknown; it is one of {}", name, known));
}

std::unique_ptr<Kernel> make_kernel(const std::string& name, const KernelSettings& settings) {
  const CoRunnerKind& kind = co_runner_kind(name);
  if (!kind.make_kernel)
    throw InputError(fmt::format("co-runner: kind \"{}\" has no load of ours on the processor", name));
  return kind.make_kernel(settings);
}

}  // namespace alertbench
