#include "models/aotinductor_model.h"

#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <cstdlib>

#include "base/error.h"
#include "models/aotinductor_package.h"
#include "models/device_model.h"
#include "models/whole_network.h"

#if __has_include(<torch/csrc/inductor/aoti_package/model_package_loader.h>)
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#define ALERT_HAS_AOTINDUCTOR
#endif

namespace alertbench {

#ifdef ALERT_HAS_AOTINDUCTOR

namespace {

using PackageLoader = torch::inductor::AOTIModelPackageLoader;

// A package is linked to the compiler's OpenMP, which need not be LibTorch's and then knows nothing of
// at::set_num_threads(). The number holds for the calling thread, which also runs the network.
void tell_openmp_threads() {
  void* library = dlopen("libgomp.so.1", RTLD_NOW | RTLD_NOLOAD);
  if (!library) return;
  if (void* set = dlsym(library, "omp_set_num_threads"))
    reinterpret_cast<void (*)(int)>(set)(at::get_num_threads());
  dlclose(library);
}

WholeForward run_package(const std::shared_ptr<PackageLoader>& package, const std::string& where) {
  return [package, where](const at::Tensor& image) {
    const std::vector<at::Tensor> outputs = package->run({image});
    if (outputs.size() != 1)
      throw InputError(fmt::format("{}it returns {} tensors, but one tensor of scores is expected", where,
                                   outputs.size()));
    return outputs[0];
  };
}

}  // namespace

std::unique_ptr<StagedModel> load_aotinductor(const NetworkSpec& spec, const ComputeDevice& device) {
  const std::string where = file_and_network(spec);
  const AotinductorPackage package = read_aotinductor_package(spec.weights);
  check_machine(package, this_machine(), where);
  const std::string wanted = device.device().is_cuda() ? "cuda" : "cpu";
  if (package.device != wanted)
    throw InputError(
        fmt::format("{}was compiled for device {}, but the networks run on {}; compile it for {}, or choose "
                    "`--set device={}`",
                    where, package.device, wanted, wanted, package.device));
  // Without this a package reads an image of another size as if it had the right one.
  setenv("AOTI_RUNTIME_CHECK_INPUTS", "1", 1);
  try {
    const auto loader = std::make_shared<PackageLoader>(spec.weights, package.model);
    tell_openmp_threads();
    return whole_network(run_package(loader, where), spec, device);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& e) {  // c10::Error, or std::runtime_error with the loader's words
    if (const auto failure = machine_failure(spec.name, e.what())) throw *failure;
    throw InputError(
        fmt::format("{}cannot be loaded by LibTorch {}: {}; compile it with a PyTorch of this version", where,
                    TORCH_VERSION, line_with_reason(e.what())));
  }
}

#else

std::unique_ptr<StagedModel> load_aotinductor(const NetworkSpec& spec, const ComputeDevice&) {
  throw EnvironmentError(fmt::format(
      "{}AOTInductor packages need LibTorch 2.6 or later, and this is {}; build alert-bench with a later one "
      "(CMAKE_PREFIX_PATH=/path/to/libtorch), or provide the network as weights or TorchScript",
      file_and_network(spec), TORCH_VERSION));
}

#endif

}  // namespace alertbench
