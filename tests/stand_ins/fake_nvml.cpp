// A stand-in for NVIDIA's management library: its GPUs are the folders gpu0, gpu1, ... of $ALERT_FAKE_NVML,
// so that all processes of a test (runs, watchdogs, the test itself) see the same ones, and a killed one
// leaves them as a real GPU is left. Made by tests/unit/fake_gpu.h and tests/cli. Files of a GPU, each a
// number unless said otherwise:
//   name, uuid                     text
//   limit_mw                       the power limit in force; low_mw, high_mw, default_mw: its range and
//   default power_mw                       what it draws where nothing holds it back energy_mj, energy_at_ns
//   the counter, and when it showed that: it continues from there by the power drawn refresh_ms how often the
//   counter moves; absent: 20 clock_mhz, clocks_mhz          its clock where nothing holds it back; those
//   that it has (a list) lock_mhz                       lowest and highest clock, where locked enforced_mw
//   where there: what another limit holds it to stubborn_mw                    where there: what the limit
//   becomes whatever is set lost                           where there: the GPU has fallen off the bus
//   errors/FUNCTION                where there: the code that this function returns; also in $ALERT_FAKE_NVML
//   itself
// Time is CLOCK_MONOTONIC, or the file now_ns of $ALERT_FAKE_NVML where that is there.
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "power/nvml/nvml_abi.h"

namespace {

namespace fs = std::filesystem;
using namespace alertbench::nvml;

std::atomic<int> users{0};

std::string top() {
  const char* folder = std::getenv("ALERT_FAKE_NVML");
  return folder ? folder : "";
}

std::optional<int64_t> number(const std::string& path) {
  std::ifstream file(path);
  int64_t value = 0;
  return file >> value ? std::optional<int64_t>(value) : std::nullopt;
}

std::string text(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Whole or not at all, whenever the process is killed.
void put(const std::string& path, const std::string& content) {
  const std::string next = path + "." + std::to_string(getpid());
  std::ofstream(next) << content << "\n";
  fs::rename(next, path);
}

int64_t now_ns() {
  if (const auto told = number(top() + "/now_ns")) return *told;
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

// Of one call: whether it fails before it does anything.
int failing(const std::string& folder, const char* function) {
  if (users == 0) return uninitialized;
  for (const std::string& place : {folder, top()})
    if (const auto code = number(place + "/errors/" + function)) return static_cast<int>(*code);
  return !folder.empty() && fs::exists(folder + "/lost") ? gpu_is_lost : success;
}

class Gpu {
 public:
  Gpu(Device device, const char* function)
      : folder_(top() + "/gpu" + std::to_string(reinterpret_cast<intptr_t>(device) - 1)) {
    code = device && fs::exists(folder_) ? failing(folder_, function)
           : users == 0                  ? uninitialized
                                         : invalid_argument;
  }

  std::string file(const char* name) const { return folder_ + "/" + name; }
  int64_t get(const char* name, int64_t fallback = 0) const { return number(file(name)).value_or(fallback); }

  // A getter of one number; where the GPU has no such file it does not support it.
  template <class Value>
  int tell(const char* name, Value* value) const {
    if (code != success) return code;
    if (!value) return invalid_argument;
    const auto v = number(file(name));
    if (!v) return not_supported;
    *value = static_cast<Value>(*v);
    return success;
  }

  int tell_text(const char* name, char* buffer, unsigned length) const {
    if (code != success) return code;
    const std::string t = text(file(name));
    if (t.size() >= length) return insufficient_size;
    std::memcpy(buffer, t.c_str(), t.size() + 1);
    return success;
  }

  std::optional<std::pair<int64_t, int64_t>> lock() const {
    std::ifstream f(file("lock_mhz"));
    int64_t low = 0, high = 0;
    return f >> low >> high ? std::optional(std::pair{low, high}) : std::nullopt;
  }
  int64_t clock_mhz() const { return lock() ? std::min(get("clock_mhz"), lock()->second) : get("clock_mhz"); }
  int64_t power_mw() const {
    const int64_t full = get("clock_mhz");
    const int64_t drawn = full > 0 ? get("power_mw") * clock_mhz() / full : get("power_mw");
    return std::min(drawn, get("limit_mw", drawn));
  }
  int64_t energy_mj(int64_t at_ns) const {
    const double s = 1e-9 * static_cast<double>(std::max<int64_t>(0, at_ns - get("energy_at_ns")));
    return get("energy_mj") + static_cast<int64_t>(s * static_cast<double>(power_mw()));
  }

  // Nobody reads the counter while it is written.
  template <class Action>
  void alone(int how, Action action) const {
    const int held = open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    flock(held, how);
    action();
    close(held);
  }

  // What changes the power drawn: the counter has to keep what was.
  template <class Change>
  void change(Change make) const {
    alone(LOCK_EX, [&] {
      if (fs::exists(file("energy_mj"))) {
        const int64_t now = now_ns(), mj = energy_mj(now);
        put(file("energy_mj"), std::to_string(mj));
        put(file("energy_at_ns"), std::to_string(now));
      }
      make();
    });
  }

  int code = success;

 private:
  std::string folder_;
};

unsigned count() {
  unsigned n = 0;
  while (fs::exists(top() + "/gpu" + std::to_string(n))) ++n;
  return n;
}

Device device_of(unsigned index) { return reinterpret_cast<Device>(static_cast<intptr_t>(index) + 1); }

}  // namespace

extern "C" {

int nvmlInit_v2() {
  if (top().empty() || !fs::exists(top())) return driver_not_loaded;
  if (const auto code = number(top() + "/errors/nvmlInit_v2")) return static_cast<int>(*code);
  ++users;
  return success;
}

int nvmlShutdown() {
  if (users == 0) return uninitialized;
  --users;
  return success;
}

const char* nvmlErrorString(int code) {
  switch (code) {
    case success:
      return "Success";
    case uninitialized:
      return "Uninitialized";
    case invalid_argument:
      return "Invalid Argument";
    case not_supported:
      return "Not Supported";
    case no_permission:
      return "Insufficient Permissions";
    case not_found:
      return "Not Found";
    case insufficient_size:
      return "Insufficient Size";
    case driver_not_loaded:
      return "Driver Not Loaded";
    case gpu_is_lost:
      return "GPU is lost";
    default:
      return "Unknown Error";
  }
}

int nvmlSystemGetDriverVersion(char* version, unsigned length) {
  if (const int code = failing("", __func__)) return code;
  std::snprintf(version, length, "535.fake");
  return success;
}

int nvmlDeviceGetCount_v2(unsigned* n) {
  if (const int code = failing("", __func__)) return code;
  *n = count();
  return success;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, Device* device) {
  if (index >= count()) return users == 0 ? uninitialized : invalid_argument;
  const Gpu gpu(device_of(index), __func__);
  if (gpu.code == success) *device = device_of(index);
  return gpu.code;
}

namespace {

int find_by(const char* file, const char* wanted, const char* function, Device* device) {
  if (const int code = failing("", function)) return code;
  for (unsigned index = 0; index < count(); ++index) {
    const Gpu gpu(device_of(index), function);
    if (text(gpu.file(file)) != wanted) continue;
    if (gpu.code == success) *device = device_of(index);
    return gpu.code;
  }
  return not_found;
}

}  // namespace

int nvmlDeviceGetHandleByUUID(const char* uuid, Device* device) {
  return find_by("uuid", uuid, __func__, device);
}
int nvmlDeviceGetHandleByPciBusId_v2(const char* bus_id, Device* device) {
  return find_by("pci_bus_id", bus_id, __func__, device);
}

int nvmlDeviceGetUUID(Device device, char* uuid, unsigned length) {
  return Gpu(device, __func__).tell_text("uuid", uuid, length);
}
int nvmlDeviceGetName(Device device, char* name, unsigned length) {
  return Gpu(device, __func__).tell_text("name", name, length);
}
int nvmlDeviceGetPowerManagementLimit(Device device, unsigned* limit) {
  return Gpu(device, __func__).tell("limit_mw", limit);
}
int nvmlDeviceGetPowerManagementDefaultLimit(Device device, unsigned* limit) {
  return Gpu(device, __func__).tell("default_mw", limit);
}

int nvmlDeviceGetPowerManagementLimitConstraints(Device device, unsigned* lowest, unsigned* highest) {
  const Gpu gpu(device, __func__);
  const int code = gpu.tell("low_mw", lowest);
  return code == success ? gpu.tell("high_mw", highest) : code;
}

int nvmlDeviceGetEnforcedPowerLimit(Device device, unsigned* limit) {
  const Gpu gpu(device, __func__);
  return gpu.tell(fs::exists(gpu.file("enforced_mw")) ? "enforced_mw" : "limit_mw", limit);
}

int nvmlDeviceSetPowerManagementLimit(Device device, unsigned limit) {
  const Gpu gpu(device, __func__);
  if (gpu.code != success) return gpu.code;
  if (!fs::exists(gpu.file("limit_mw"))) return not_supported;
  if (limit < gpu.get("low_mw") || limit > gpu.get("high_mw")) return invalid_argument;
  gpu.change([&] { put(gpu.file("limit_mw"), std::to_string(gpu.get("stubborn_mw", limit))); });
  return success;
}

int nvmlDeviceGetPowerUsage(Device device, unsigned* power) {
  const Gpu gpu(device, __func__);
  const int code = gpu.tell("power_mw", power);
  if (code == success) *power = static_cast<unsigned>(gpu.power_mw());
  return code;
}

int nvmlDeviceGetTotalEnergyConsumption(Device device, unsigned long long* energy) {
  const Gpu gpu(device, __func__);
  int code = success;
  gpu.alone(LOCK_SH, [&] {
    code = gpu.tell("energy_mj", energy);
    const int64_t refresh_ns = 1'000'000 * gpu.get("refresh_ms", 20), now = now_ns();
    if (code == success) *energy = static_cast<unsigned long long>(gpu.energy_mj(now - now % refresh_ns));
  });
  return code;
}

int nvmlDeviceGetClockInfo(Device device, int clock, unsigned* mhz) {
  const Gpu gpu(device, __func__);
  if (gpu.code == success && clock != graphics_clock) return not_supported;
  const int code = gpu.tell("clock_mhz", mhz);
  if (code == success) *mhz = static_cast<unsigned>(gpu.clock_mhz());
  return code;
}

int nvmlDeviceGetMaxClockInfo(Device device, int clock, unsigned* mhz) {
  const Gpu gpu(device, __func__);
  if (gpu.code != success) return gpu.code;
  if (clock == memory_clock) *mhz = 2619;
  return clock == memory_clock ? success : gpu.tell("clock_mhz", mhz);
}

int nvmlDeviceGetSupportedGraphicsClocks(Device device, unsigned memory_mhz, unsigned* n, unsigned* mhz) {
  const Gpu gpu(device, __func__);
  if (gpu.code != success) return gpu.code;
  if (memory_mhz != 2619) return not_found;
  std::ifstream file(gpu.file("clocks_mhz"));
  unsigned found = 0;
  for (unsigned clock = 0; file >> clock; ++found)
    if (mhz && found < *n) mhz[found] = clock;
  const bool fits = mhz && found <= *n;
  *n = found;
  return found == 0 ? not_supported : fits ? success : insufficient_size;
}

int nvmlDeviceSetGpuLockedClocks(Device device, unsigned lowest, unsigned highest) {
  const Gpu gpu(device, __func__);
  if (gpu.code != success) return gpu.code;
  if (!fs::exists(gpu.file("clocks_mhz"))) return not_supported;
  if (lowest > highest) return invalid_argument;
  gpu.change([&] { put(gpu.file("lock_mhz"), std::to_string(lowest) + " " + std::to_string(highest)); });
  return success;
}

int nvmlDeviceResetGpuLockedClocks(Device device) {
  const Gpu gpu(device, __func__);
  if (gpu.code != success) return gpu.code;
  if (!fs::exists(gpu.file("clocks_mhz"))) return not_supported;
  gpu.change([&] { fs::remove(gpu.file("lock_mhz")); });
  return success;
}

}  // extern "C"
