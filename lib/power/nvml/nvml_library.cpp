#include "power/nvml/nvml_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/error.h"
#include "power/nvml/nvml_abi.h"

// All that nvml_abi.h declares.
// clang-format off
#define ALERT_NVML_FUNCTIONS(F) \
  F(nvmlInit_v2) F(nvmlShutdown) F(nvmlErrorString) F(nvmlSystemGetDriverVersion) \
  F(nvmlDeviceGetCount_v2) F(nvmlDeviceGetHandleByIndex_v2) F(nvmlDeviceGetHandleByPciBusId_v2) \
  F(nvmlDeviceGetHandleByUUID) F(nvmlDeviceGetUUID) F(nvmlDeviceGetName) \
  F(nvmlDeviceGetPowerManagementLimit) F(nvmlDeviceGetPowerManagementLimitConstraints) \
  F(nvmlDeviceGetPowerManagementDefaultLimit) F(nvmlDeviceGetEnforcedPowerLimit) \
  F(nvmlDeviceSetPowerManagementLimit) F(nvmlDeviceGetPowerUsage) F(nvmlDeviceGetTotalEnergyConsumption) \
  F(nvmlDeviceGetClockInfo) F(nvmlDeviceGetMaxClockInfo) F(nvmlDeviceGetSupportedGraphicsClocks) \
  F(nvmlDeviceSetGpuLockedClocks) F(nvmlDeviceResetGpuLockedClocks)
// clang-format on

namespace alertbench {

struct NvmlGpu::Library {
  void* opened = nullptr;
  bool running = false;
#define ALERT_NVML_FUNCTION(name) decltype(&::name) name = nullptr;
  ALERT_NVML_FUNCTIONS(ALERT_NVML_FUNCTION)
#undef ALERT_NVML_FUNCTION

  Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (running) nvmlShutdown();
    if (opened) dlclose(opened);
  }

  NvmlFailure failure(const char* function, int code) const {
    if (code == nvml::success) return {};
    const char* words = nvmlErrorString ? nvmlErrorString(code) : nullptr;
    return {code, fmt::format("{}: {} ({})", function, words ? words : "failed", code)};
  }

  // `function` may be one that this library lacks.
  template <class Function, class... Arguments>
  NvmlFailure call(const char* name, Function* function, Arguments... arguments) const {
    if (!function)
      return {nvml::function_not_found,
              fmt::format("{}: this version of the library has no such function", name)};
    return failure(name, function(arguments...));
  }

  template <class Value, class Function, class... Arguments>
  std::optional<uint64_t> ask(NvmlFailure* why, const char* name, Function* function,
                              Arguments... arguments) const {
    Value value = 0;
    NvmlFailure f = call(name, function, arguments..., &value);
    if (!f) return value;
    if (why) *why = std::move(f);
    return {};
  }

  template <class Function, class... Arguments>
  std::string text(const char* name, Function* function, Arguments... arguments) const {
    char buffer[nvml::text_bytes] = "";
    if (call(name, function, arguments..., buffer, nvml::text_bytes)) return "";
    buffer[nvml::text_bytes - 1] = '\0';
    return buffer;
  }
};

namespace {

template <class Function>
void find_symbol(void* opened, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(opened, name));
}

bool all_digits(const std::string& text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string::npos;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

unsigned narrow(uint64_t value) {
  return static_cast<unsigned>(std::min<uint64_t>(value, std::numeric_limits<unsigned>::max()));
}

}  // namespace

// A function of the library by its name, once for the message and once for the call.
#define ALERT_CALL(function) #function, library_->function

bool NvmlFailure::no_permission() const { return code == nvml::no_permission; }

std::string NvmlGpu::label() const { return fmt::format("{} ({})", name_, uuid_); }

std::optional<uint64_t> NvmlGpu::power_limit_mw(NvmlFailure* why) const {
  return library_->ask<unsigned>(why, ALERT_CALL(nvmlDeviceGetPowerManagementLimit), device_);
}

std::optional<std::pair<uint64_t, uint64_t>> NvmlGpu::limit_range_mw(NvmlFailure* why) const {
  unsigned lowest = 0;
  const auto highest = library_->ask<unsigned>(why, ALERT_CALL(nvmlDeviceGetPowerManagementLimitConstraints),
                                               device_, &lowest);
  if (!highest) return {};
  return std::pair<uint64_t, uint64_t>{lowest, *highest};
}

std::optional<uint64_t> NvmlGpu::default_limit_mw() const {
  return library_->ask<unsigned>(nullptr, ALERT_CALL(nvmlDeviceGetPowerManagementDefaultLimit), device_);
}

std::optional<uint64_t> NvmlGpu::enforced_limit_mw() const {
  return library_->ask<unsigned>(nullptr, ALERT_CALL(nvmlDeviceGetEnforcedPowerLimit), device_);
}

std::optional<uint64_t> NvmlGpu::power_mw(NvmlFailure* why) const {
  return library_->ask<unsigned>(why, ALERT_CALL(nvmlDeviceGetPowerUsage), device_);
}

std::optional<uint64_t> NvmlGpu::energy_mj(NvmlFailure* why) const {
  return library_->ask<unsigned long long>(why, ALERT_CALL(nvmlDeviceGetTotalEnergyConsumption), device_);
}

std::optional<uint64_t> NvmlGpu::clock_mhz(NvmlFailure* why) const {
  return library_->ask<unsigned>(why, ALERT_CALL(nvmlDeviceGetClockInfo), device_, nvml::graphics_clock);
}

std::vector<uint64_t> NvmlGpu::clocks_mhz() const {
  const auto memory =
      library_->ask<unsigned>(nullptr, ALERT_CALL(nvmlDeviceGetMaxClockInfo), device_, nvml::memory_clock);
  if (!memory) return {};
  unsigned count = 0;
  const NvmlFailure size = library_->call(ALERT_CALL(nvmlDeviceGetSupportedGraphicsClocks), device_,
                                          narrow(*memory), &count, static_cast<unsigned*>(nullptr));
  if (size && size.code != nvml::insufficient_size) return {};
  std::vector<unsigned> clocks(count);
  if (count == 0 || library_->call(ALERT_CALL(nvmlDeviceGetSupportedGraphicsClocks), device_, narrow(*memory),
                                   &count, clocks.data()))
    return {};
  clocks.resize(std::min<size_t>(count, clocks.size()));
  std::vector<uint64_t> ascending(clocks.begin(), clocks.end());
  std::sort(ascending.begin(), ascending.end());
  return ascending;
}

NvmlFailure NvmlGpu::set_power_limit_mw(uint64_t limit_mw) const {
  return library_->call(ALERT_CALL(nvmlDeviceSetPowerManagementLimit), device_, narrow(limit_mw));
}

NvmlFailure NvmlGpu::lock_clocks_mhz(uint64_t lowest, uint64_t highest) const {
  return library_->call(ALERT_CALL(nvmlDeviceSetGpuLockedClocks), device_, narrow(lowest), narrow(highest));
}

NvmlFailure NvmlGpu::unlock_clocks() const {
  return library_->call(ALERT_CALL(nvmlDeviceResetGpuLockedClocks), device_);
}

Nvml::Nvml(const std::string& path) {
  auto library = std::make_shared<NvmlGpu::Library>();
  library->opened = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library->opened) {
    const char* why = dlerror();
    throw EnvironmentError(fmt::format(
        "power: nvml: {} cannot be opened ({}); it comes with NVIDIA's driver (`nvidia-smi` uses it too). "
        "Another path: --set power.nvml_library=FILE",
        path, why ? why : "no reason given"));
  }
#define ALERT_NVML_FUNCTION(name) find_symbol(library->opened, #name, library->name);
  ALERT_NVML_FUNCTIONS(ALERT_NVML_FUNCTION)
#undef ALERT_NVML_FUNCTION
  if (!library->nvmlInit_v2 || !library->nvmlShutdown)
    throw EnvironmentError(fmt::format(
        "power: nvml: {} has no nvmlInit_v2, so it is not NVML; omit power.nvml_library, whose default is {}",
        path, default_nvml_library));
  if (const NvmlFailure f = library->call("nvmlInit_v2", library->nvmlInit_v2))
    throw EnvironmentError(
        fmt::format("power: nvml: {} cannot be initialised: {}; is the driver loaded, and does its version "
                    "match the library's (see `nvidia-smi`)? In a container: is the GPU passed in?",
                    path, f.text));
  library->running = true;
  library_ = std::move(library);
}

std::string Nvml::driver() const { return library_->text(ALERT_CALL(nvmlSystemGetDriverVersion)); }

std::vector<NvmlGpu> Nvml::gpus(std::vector<std::string>* problems) const {
  std::vector<NvmlGpu> all;
  NvmlFailure why;
  const auto count = library_->ask<unsigned>(&why, ALERT_CALL(nvmlDeviceGetCount_v2));
  if (!count && problems) problems->push_back(why.text);
  for (unsigned index = 0; index < count.value_or(0); ++index) {
    nvml::Device device = nullptr;
    const NvmlFailure f = library_->call(ALERT_CALL(nvmlDeviceGetHandleByIndex_v2), index, &device);
    if (f) {
      if (problems) problems->push_back(fmt::format("GPU {}: {}", index, f.text));
      continue;
    }
    NvmlGpu gpu;
    gpu.library_ = library_;
    gpu.device_ = device;
    gpu.index_ = static_cast<int>(index);
    gpu.uuid_ = library_->text(ALERT_CALL(nvmlDeviceGetUUID), device);
    gpu.name_ = library_->text(ALERT_CALL(nvmlDeviceGetName), device);
    if (gpu.uuid_.empty()) {
      if (problems) problems->push_back(fmt::format("GPU {}: does not report its UUID", index));
      continue;
    }
    all.push_back(std::move(gpu));
  }
  return all;
}

std::optional<NvmlGpu> Nvml::by_uuid(const std::string& uuid, NvmlFailure* why) const {
  NvmlGpu gpu;
  nvml::Device device = nullptr;
  NvmlFailure f = library_->call(ALERT_CALL(nvmlDeviceGetHandleByUUID), uuid.c_str(), &device);
  if (f) {
    if (why) *why = std::move(f);
    return {};
  }
  gpu.library_ = library_;
  gpu.device_ = device;
  gpu.uuid_ = uuid;
  gpu.name_ = library_->text(ALERT_CALL(nvmlDeviceGetName), device);
  return gpu;
}

std::string Nvml::uuid_at(const std::string& pci_bus_id) const {
  nvml::Device device = nullptr;
  if (library_->call(ALERT_CALL(nvmlDeviceGetHandleByPciBusId_v2), pci_bus_id.c_str(), &device)) return "";
  return library_->text(ALERT_CALL(nvmlDeviceGetUUID), device);
}

NvmlGpu Nvml::find(const std::string& wanted) const {
  std::string text = wanted, origin = "power.gpu";
  if (text.empty()) {
    text = variable("CUDA_VISIBLE_DEVICES");
    text = text.substr(0, text.find(','));
    origin = "CUDA_VISIBLE_DEVICES";
    if (text.empty()) text = "0";
  }
  const bool by_index = all_digits(text);
  if (!by_index && text.rfind("GPU-", 0) != 0) {
    const bool part = text.rfind("MIG-", 0) == 0;
    const std::string what =
        fmt::format("power: nvml: {}: \"{}\": expected an index (0) or a UUID (GPU-...){}", origin, text,
                    part ? "; a part of a GPU (MIG) has neither a limit nor a counter of its own" : "");
    if (wanted.empty()) throw EnvironmentError(what + "; choose one with power.gpu");
    throw InputError(what);
  }
  std::vector<std::string> problems, there;
  std::vector<NvmlGpu> fitting;
  for (const NvmlGpu& gpu : gpus(&problems)) {
    there.push_back(fmt::format("{}: {}", gpu.index(), gpu.label()));
    if (by_index ? std::to_string(gpu.index()) == text : gpu.uuid().rfind(text, 0) == 0)
      fitting.push_back(gpu);
  }
  if (fitting.size() == 1) return fitting.front();
  there.insert(there.end(), problems.begin(), problems.end());
  throw EnvironmentError(fmt::format("power: nvml: {}: {} GPU matches \"{}\"; found: {}", origin,
                                     fitting.empty() ? "no" : "more than one", text,
                                     there.empty() ? "none" : fmt::format("{}", fmt::join(there, "; "))));
}

bool Nvml::first_in_doubt() const {
  if (variable("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" || variable("CUDA_VISIBLE_DEVICES").rfind("GPU-", 0) == 0)
    return false;
  const std::vector<NvmlGpu> all = gpus();
  return std::any_of(all.begin(), all.end(),
                     [&](const NvmlGpu& g) { return g.name() != all.front().name(); });
}

}  // namespace alertbench
