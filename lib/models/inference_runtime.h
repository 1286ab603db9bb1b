// The wall around LibTorch: nothing on this side of it includes or links it. The networks live in a module
// (alert-torch.so) that is opened when the first network is needed, so that everything else starts in
// milliseconds, and so that the BLAS kernel can still be chosen: OpenBLAS reads that choice from the
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
  // Loads weights (or draws random ones) and makes the network ready. InputError: a file that cannot be used,
  // a network whose output does not have `classes` scores. RunError if the GPU fails, or its memory is
  // full.
  virtual std::unique_ptr<StagedModel> load(const NetworkSpec& spec, int classes) = 0;
  // LibTorch, oneDNN, BLAS library and its kernel, threads as read back, and on a GPU which one it is and how
  // it computes: for the manifest and `doctor`. Keys whose value is unknown are null; "warnings" lists what
  // is wrong, also with the networks loaded so far.
  virtual nlohmann::ordered_json facts() const = 0;
};

// Prepares the environment, opens the module, sets the number of threads and reads it back. Call it, load and
// run networks, and let go of them, on one and the same long-lived thread. EnvironmentError if the module
// or LibTorch cannot be loaded, with the remedy. `device`: "cpu", or "cuda" (the first GPU that LibTorch
// sees; EnvironmentError where it sees none). Networks of every kind run on either; an execution on a GPU
// begins with the copy of its input and ends when the GPU has finished (models/device_model.h). Weights stay
// on the GPU, those of all networks together.
std::unique_ptr<InferenceRuntime> open_inference_runtime(int threads, const std::string& device = "cpu");

// The load of a co-runner of kind gpu-compute or gpu-memory (models/gpu_load.h) on the first GPU that
// LibTorch sees, ready to step. EnvironmentError where LibTorch, a GPU or enough of its memory is missing,
// with the remedy.
std::unique_ptr<Kernel> open_gpu_load(const std::string& kind, uint64_t seed, uint64_t buffer_bytes);

// The OpenBLAS kernel for this processor, as OPENBLAS_CORETYPE names it; empty if that is better left
// alone.
std::string best_blas_kernel();

// For programs that link LibTorch, whose BLAS is loaded before main(): chooses its kernel and build as
// open_inference_runtime() does, and starts the program over. What the user set stays; where starting over
// fails, the program is slow, not wrong.
void restart_with_fast_blas(char** argv);

}  // namespace alertbench
