// The few functions of the CUDA runtime that LibTorch's own interface lacks: events that time a GPU's work by
// its own clock, and the identity of the GPU. They are looked up at run time in the CUDA libraries that
// LibTorch has loaded, so nothing here is built against CUDA, and the same program also works without a GPU.
// Needs no LibTorch.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace alertbench {

// As cuda_runtime_api.h and cuda.h declare them (0 is success; handles are pointers; CUDA 11 to 13), so a
// test can replace them.
struct CudaRuntime {
  using Event = void*;
  std::string library;  // the file in which they were found
  int (*create)(Event*) = nullptr;
  int (*record)(Event, void* stream) = nullptr;  // null: the default stream
  int (*synchronize)(Event) = nullptr;
  int (*elapsed_ms)(float*, Event from, Event to) = nullptr;
  int (*destroy)(Event) = nullptr;
  const char* (*error_text)(int) = nullptr;
  // Null if the library lacks them.
  int (*memory)(size_t* free, size_t* total) = nullptr;    // of the current GPU
  int (*bus_id)(char*, int length, int device) = nullptr;  // "0000:3B:00.0", which NVML and lspci know too
  int (*name)(char*, int length, int device) = nullptr;    // the driver's

  // Returns the functions of the first loaded library whose file name begins with `name` and that has the
  // functions for events; nullopt if there is none. The library may have any version and suffix (official
  // archives of LibTorch call theirs libcudart-9335f6a2.so.12).
  static std::optional<CudaRuntime> find(const std::string& name = "libcudart",
                                         const std::string& driver = "libcuda.so");

  // {"name", "memory_bytes", "pci_bus_id"} of the first GPU that this process sees; null for values that
  // cannot be determined.
  nlohmann::ordered_json gpu_facts() const;
};

// Measures the GPU's own times of a network's run: from the moment when the GPU begins the first operation to
// the moment when it has finished a stage. Everything happens on the default stream, which LibTorch uses
// unless it is changed, and this program never changes it. RunError if a call fails (an earlier operation on
// the GPU is the usual cause).
class DeviceTimer {
 public:
  DeviceTimer(const CudaRuntime& runtime, int stages);  // EnvironmentError if no event can be created
  ~DeviceTimer();
  DeviceTimer(const DeviceTimer&) = delete;
  DeviceTimer& operator=(const DeviceTimer&) = delete;

  void start();               // begins a run; the times of the previous run are discarded
  void end_stage(int stage);  // 0-based; call it after the stage's last operation
  // Waits for the end of the stage. Returns nullopt if this run has not reached it.
  std::optional<double> time_s(int stage) const;

 private:
  template <class Failure>
  void check(int code, const char* call) const;
  void destroy_all();

  CudaRuntime runtime_;
  CudaRuntime::Event start_ = nullptr;
  std::vector<CudaRuntime::Event> ends_;  // [stage]
  int stages_ended_ = 0;
};

}  // namespace alertbench
