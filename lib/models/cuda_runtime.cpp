#include "models/cuda_runtime.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <link.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace alertbench {
namespace {

using nlohmann::ordered_json;

// LibTorch is loaded with RTLD_LOCAL, so its symbols are in no global scope: the loaded files are asked one
// by one.
std::vector<std::string> loaded_libraries(const std::string& beginning) {
  struct Search {
    const std::string& beginning;
    std::vector<std::string> found;
  } search{beginning, {}};
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* data) {
        auto& s = *static_cast<Search*>(data);
        const std::string path = info->dlpi_name;
        if (path.compare(path.rfind('/') + 1, s.beginning.size(), s.beginning) == 0) s.found.push_back(path);
        return 0;
      },
      &search);
  return search.found;
}

template <class Function>
void look_up(Function& function, void* library, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (!function) function = reinterpret_cast<Function>(dlsym(library, name));
}

ordered_json text_or_null(int (*get)(char*, int, int)) {
  std::array<char, 256> text{};
  if (!get || get(text.data(), static_cast<int>(text.size()) - 1, 0) != 0) return nullptr;
  return std::string(text.data());
}

}  // namespace

std::optional<CudaRuntime> CudaRuntime::find(const std::string& name, const std::string& driver) {
  // The libraries stay loaded for as long as the program runs, since LibTorch does: handles are not closed.
  for (const std::string& path : loaded_libraries(name)) {
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
    if (!library) continue;
    CudaRuntime r;
    r.library = path;
    look_up(r.create, library, {"cudaEventCreate"});
    look_up(r.record, library, {"cudaEventRecord"});
    look_up(r.synchronize, library, {"cudaEventSynchronize"});
    look_up(r.elapsed_ms, library, {"cudaEventElapsedTime", "cudaEventElapsedTime_v2"});
    look_up(r.destroy, library, {"cudaEventDestroy"});
    look_up(r.error_text, library, {"cudaGetErrorString"});
    if (!r.create || !r.record || !r.synchronize || !r.elapsed_ms || !r.destroy || !r.error_text) continue;
    look_up(r.memory, library, {"cudaMemGetInfo"});
    look_up(r.bus_id, library, {"cudaDeviceGetPCIBusId"});
    for (const std::string& of_driver : loaded_libraries(driver))
      if (void* opened = dlopen(of_driver.c_str(), RTLD_NOW | RTLD_NOLOAD))
        look_up(r.name, opened, {"cuDeviceGetName"});
    return r;
  }
  return {};
}

ordered_json CudaRuntime::gpu_facts() const {
  size_t free = 0, total = 0;
  const bool known = memory && memory(&free, &total) == 0;
  return {{"name", text_or_null(name)},
          {"memory_bytes", known ? ordered_json(total) : ordered_json(nullptr)},
          {"pci_bus_id", text_or_null(bus_id)}};
}

template <class Failure>
void DeviceTimer::check(int code, const char* call) const {
  if (code != 0)
    throw Failure(fmt::format("timing the GPU: {}: error {}, {}", call, code, runtime_.error_text(code)));
}

DeviceTimer::DeviceTimer(const CudaRuntime& runtime, int stages)
    : runtime_(runtime), ends_(static_cast<size_t>(stages)) {
  try {
    check<EnvironmentError>(runtime_.create(&start_), "cudaEventCreate");
    for (CudaRuntime::Event& end : ends_) check<EnvironmentError>(runtime_.create(&end), "cudaEventCreate");
  } catch (const EnvironmentError&) {
    destroy_all();
    throw;
  }
}

DeviceTimer::~DeviceTimer() { destroy_all(); }

void DeviceTimer::destroy_all() {
  if (start_) runtime_.destroy(start_);
  for (CudaRuntime::Event end : ends_)
    if (end) runtime_.destroy(end);
}

void DeviceTimer::start() {
  stages_ended_ = 0;
  check<RunError>(runtime_.record(start_, nullptr), "cudaEventRecord");
}

void DeviceTimer::end_stage(int stage) {
  check<RunError>(runtime_.record(ends_[static_cast<size_t>(stage)], nullptr), "cudaEventRecord");
  stages_ended_ = stage + 1;
}

std::optional<double> DeviceTimer::time_s(int stage) const {
  if (stage >= stages_ended_) return {};
  const CudaRuntime::Event end = ends_[static_cast<size_t>(stage)];
  check<RunError>(runtime_.synchronize(end), "cudaEventSynchronize");
  float ms = 0;
  check<RunError>(runtime_.elapsed_ms(&ms, start_, end), "cudaEventElapsedTime");
  return 1e-3 * ms;
}

}  // namespace alertbench
