// NVIDIA's management library, opened at run time, and the GPUs that it shows. It needs only lib/base, so
// that the watchdog (apps/cap-guard) stays small. Thread-safe, as the library is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace alertbench {

namespace nvml {
struct OpaqueDevice;
}

constexpr const char* default_nvml_library = "libnvidia-ml.so.1";

// Why a call failed; code 0: it did not.
struct NvmlFailure {
  int code = 0;      // nvml::Code
  std::string text;  // function, NVML's own words, code
  explicit operator bool() const { return code != 0; }
  bool no_permission() const;
};

// Getters are empty where the GPU, or this version of the library, does not tell; `why` then says so. What
// was opened stays so for as long as a GPU of it is there.
class NvmlGpu {
 public:
  const std::string& uuid() const {
    return uuid_;
  }  // "GPU-" and 36 characters: the same over reboots, unlike the index
  const std::string& name() const { return name_; }
  int index() const { return index_; }  // the library's, which `nvidia-smi` shows; -1: found by its UUID
  std::string label() const;            // both

  std::optional<uint64_t> power_limit_mw(
      NvmlFailure* why = nullptr) const;  // as set; default_limit_mw unless somebody did
  std::optional<std::pair<uint64_t, uint64_t>> limit_range_mw(NvmlFailure* why = nullptr) const;
  std::optional<uint64_t> default_limit_mw() const;
  std::optional<uint64_t> enforced_limit_mw() const;  // the lowest of all that limit it
  std::optional<uint64_t> power_mw(
      NvmlFailure* why = nullptr) const;  // of the whole board; a mean of 1 s on most since Ampere
  std::optional<uint64_t> energy_mj(
      NvmlFailure* why = nullptr) const;  // of the whole board, since the driver was loaded (Volta on)
  std::optional<uint64_t> clock_mhz(NvmlFailure* why = nullptr) const;  // of the processors, now
  std::vector<uint64_t> clocks_mhz() const;  // that can be locked, ascending; empty where not told

  // All three take root or CAP_SYS_ADMIN. The library has no way to read a lock of clocks back.
  NvmlFailure set_power_limit_mw(uint64_t limit_mw) const;
  NvmlFailure lock_clocks_mhz(uint64_t lowest, uint64_t highest) const;
  NvmlFailure unlock_clocks() const;

 private:
  friend class Nvml;
  struct Library;
  NvmlGpu() = default;

  std::shared_ptr<const Library> library_;
  nvml::OpaqueDevice* device_ = nullptr;
  int index_ = -1;
  std::string uuid_, name_;
};

class Nvml {
 public:
  // A file name to search for, or a path. EnvironmentError if it cannot be opened, is not NVML, or has no
  // driver.
  explicit Nvml(const std::string& library);

  std::string driver() const;  // its version; empty: not told
  // As many as there are, and those among them that this process may use; `problems` has the others.
  std::vector<NvmlGpu> gpus(std::vector<std::string>* problems = nullptr) const;
  std::optional<NvmlGpu> by_uuid(const std::string& uuid, NvmlFailure* why = nullptr) const;
  // By index ("0"), by UUID or the beginning of one ("GPU-8f3a"); "": what CUDA takes for the first
  // ($CUDA_VISIBLE_DEVICES, else index 0). InputError for another text, EnvironmentError names what is there.
  NvmlGpu find(const std::string& wanted) const;
  std::string uuid_at(
      const std::string& pci_bus_id) const;  // "0000:3B:00.0"; empty where there is none, or it does not tell
  // CUDA numbers GPUs by their speed unless told otherwise, this library by their slots: with GPUs of several
  // kinds, find("") may not be the one that CUDA takes first. False where $CUDA_DEVICE_ORDER or a UUID in
  // $CUDA_VISIBLE_DEVICES settles it.
  bool first_in_doubt() const;

 private:
  std::shared_ptr<const NvmlGpu::Library> library_;
};

}  // namespace alertbench
