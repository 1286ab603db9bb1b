#include "models/inference_runtime.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "base/installation.h"
#include "base/interrupt.h"
#include "base/limits.h"

// Set by cmake/libtorch.cmake: whether LibTorch takes its BLAS from the system. Official archives and wheels
// carry their own, and their own OpenMP: a second BLAS beside it would bring a second OpenMP along.
#ifndef ALERT_LIBTORCH_NEEDS_SYSTEM_BLAS
#define ALERT_LIBTORCH_NEEDS_SYSTEM_BLAS 0
#endif

namespace alertbench {
namespace {

constexpr bool needs_system_blas = ALERT_LIBTORCH_NEEDS_SYSTEM_BLAS;
constexpr const char* openmp_blas_folders[] = {"/usr/lib/x86_64-linux-gnu/openblas-openmp",
                                               "/usr/lib/aarch64-linux-gnu/openblas-openmp"};

// Several OpenBLAS builds can be installed side by side; only the OpenMP one shares LibTorch's threads.
// Loading it first makes LibTorch's dependency on libblas.so.3 resolve to it, whatever the system's default.
void prefer_openmp_blas() {
  for (const char* folder : openmp_blas_folders) {
    if (!std::filesystem::exists(std::string(folder) + "/libblas.so.3")) continue;
    for (const char* library : {"libopenblas.so.0", "libblas.so.3", "liblapack.so.3"})
      dlopen(fmt::format("{}/{}", folder, library).c_str(), RTLD_NOW | RTLD_GLOBAL);
    return;
  }
}

// OpenBLAS allocates address space when it is loaded, and retries forever if the allocation fails.
void check_memory_for_blas() {
  constexpr size_t needed = size_t{256} << 20;
  void* space =
      mmap(nullptr, needed, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED)
    throw EnvironmentError(fmt::format(
        "memory: {} MB of address space are not available ({}), and LibTorch needs more; raise the "
        "limit (`ulimit -v`, the job's memory)",
        needed >> 20, std::strerror(errno)));
  munmap(space, needed);
}

// Returns a function of the module, which is opened at the first call.
template <class Function>
Function* find_in_module(const char* name) {
  const std::string kernel = best_blas_kernel();
  if (!kernel.empty()) setenv("OPENBLAS_CORETYPE", kernel.c_str(), 0);  // the user's own choice stays
  // Threads that spin while they wait for work slow down badly beside a co-runner (50 ms become 230).
  setenv("OMP_WAIT_POLICY", "PASSIVE", 0);
  check_memory_for_blas();
  if (needs_system_blas) prefer_openmp_blas();

  std::error_code error;
  const std::string module = beside_program("alert-torch.so");
  void* handle = nullptr;
  {
    const KeepSignalHandlers keep;
    handle = dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  }
  if (!handle) {
    // The loader reports the reason only as text. A file that exists but cannot be mapped ran into a limit,
    // usually of memory.
    const std::string why = dlerror();
    const bool no_memory = why.find("failed to map") != std::string::npos ||
                           why.find("annot allocate memory") != std::string::npos;
    const std::string limit = no_memory                                             ? limit_behind(ENOMEM)
                              : why.find("oo many open files") != std::string::npos ? limit_behind(EMFILE)
                                                                                    : "";
    const bool built = std::filesystem::exists(module, error);
    throw EnvironmentError(fmt::format(
        "cannot load LibTorch's part of alert-bench: {}{}", why,
        !limit.empty() ? limit
        : no_memory    ? "; there is not enough memory: end other processes"
        : built ? "; the module exists, but a library it needs is missing or damaged: reinstall LibTorch, or "
                  "build again"
                : ". Build it with -DALERT_TORCH=ON, and keep alert-torch.so next to the program."));
  }
  void* function = dlsym(handle, name);
  if (!function) throw EnvironmentError(module + ": belongs to another version of alert-bench; build again");
  return reinterpret_cast<Function*>(function);
}

}  // namespace

std::string best_blas_kernel() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return __builtin_cpu_is("amd") ? "Zen" : "Haswell";
#endif
  return "";
}

void restart_with_fast_blas(char** argv) {
  const std::string kernel = best_blas_kernel();
  if (!needs_system_blas || kernel.empty() || std::getenv("OPENBLAS_CORETYPE")) return;
  setenv("OPENBLAS_CORETYPE", kernel.c_str(), 0);
  for (const char* folder : openmp_blas_folders) {
    if (!std::filesystem::exists(folder)) continue;
    const char* others = std::getenv("LD_LIBRARY_PATH");
    setenv("LD_LIBRARY_PATH", others ? fmt::format("{}:{}", folder, others).c_str() : folder, 1);
  }
  execv("/proc/self/exe", argv);
}

std::unique_ptr<InferenceRuntime> open_inference_runtime(int threads, const std::string& device) {
  const auto make = find_in_module<InferenceRuntime*(int, const char*)>("alert_make_inference_runtime");
  return std::unique_ptr<InferenceRuntime>(make(threads, device.c_str()));
}

std::unique_ptr<Kernel> open_gpu_load(const std::string& kind, uint64_t seed, uint64_t buffer_bytes) {
  const auto make = find_in_module<Kernel*(const char*, uint64_t, uint64_t)>("alert_make_gpu_load");
  return std::unique_ptr<Kernel>(make(kind.c_str(), seed, buffer_bytes));
}

}  // namespace alertbench
