// Isolates LibTorch: code that uses this header neither includes nor links it. The networks are in a module
// (alert-torch.so) that is opened when the first network is needed. So everything else starts in
// milliseconds, and the BLAS kernel can still be chosen, because OpenBLAS reads that choice from the
// environment when it is loaded.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "contention/kernel.h"
#include "models/network_file.h"
#include "models/staged_model.h"

namespace alertbench {

class InferenceRuntime {
 public:
  virtual ~InferenceRuntime() = default;
  // Loads weights (or draws random ones) and prepares the network. InputError if a file cannot be used, or if
  // the network's output does not have `classes` scores. RunError if the GPU fails, or its memory is full.
  virtual std::unique_ptr<StagedModel> load(const NetworkSpec& spec, int classes) = 0;
  // Returns facts for the manifest and `doctor`: LibTorch and how it was built, oneDNN, the BLAS library and
  // its kernel, the OpenMP runtimes in this process, the number of threads as read back, and the GPU and its
  // arithmetic if one is used. Unknown values are null. "warnings" lists problems, including those of the
  // networks loaded so far.
  virtual nlohmann::ordered_json facts() const = 0;
};

// Prepares the environment, opens the module, sets the number of threads and reads it back. Call it, and
// load, run and destroy networks, on the same long-lived thread. EnvironmentError if the module or LibTorch
// cannot be loaded, with the remedy. `device`: "cpu", or "cuda" (the first GPU that LibTorch sees;
// EnvironmentError if it sees none). Networks of every kind run on either; an execution on a GPU begins with
// the copy of its input and ends when the GPU has finished (models/device_model.h). The weights of all
// networks stay on the GPU together.
std::unique_ptr<InferenceRuntime> open_inference_runtime(int threads, const std::string& device = "cpu");

// Creates the load of a co-runner of kind gpu-compute or gpu-memory (models/gpu_load.h) on the first GPU that
// LibTorch sees, ready to step. EnvironmentError with the remedy if LibTorch, a GPU or enough of its memory
// is missing.
std::unique_ptr<Kernel> open_gpu_load(const std::string& kind, uint64_t seed, uint64_t buffer_bytes);

// Returns the OpenBLAS kernel for this processor, as OPENBLAS_CORETYPE names it; empty if OpenBLAS should
// choose for itself.
std::string best_blas_kernel();

// For programs that link LibTorch, whose BLAS is loaded before main(): chooses its kernel and build as
// open_inference_runtime() does, and restarts the program. Variables that the user set are kept. If the
// restart fails, the program is slower but still correct.
void restart_with_fast_blas(char** argv);

}  // namespace alertbench
