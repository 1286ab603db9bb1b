// The few functions of the CUDA runtime that LibTorch's own interface lacks: events that time what a GPU does
// by its own clock, and which GPU it is. Looked up at run time in the CUDA libraries that LibTorch has
// loaded, so that nothing here is built against CUDA, and a build for the processor only is the same program.
// Needs no LibTorch.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace alertbench {

// As cuda_runtime_api.h and cuda.h declare them (0 is success; handles are pointers; CUDA 11 to 13), so that
// a test can put others in their place.
struct CudaRuntime {
  using Event = void*;
  std::string library;  // the file that they were found in
  int (*create)(Event*) = nullptr;
  int (*record)(Event, void* stream) = nullptr;  // null: the default stream
  int (*synchronize)(Event) = nullptr;
  int (*elapsed_ms)(float*, Event from, Event to) = nullptr;
  int (*destroy)(Event) = nullptr;
  const char* (*error_text)(int) = nullptr;
  // Null where the library lacks them.
  int (*memory)(size_t* free, size_t* total) = nullptr;    // of the current GPU
  int (*bus_id)(char*, int length, int device) = nullptr;  // "0000:3B:00.0", which NVML and lspci know too
  int (*name)(char*, int length, int device) = nullptr;    // the driver's

  // The first loaded library whose file name begins with `name` and that has what events take; none where
  // there is none. It may have any version and any suffix (official archives of LibTorch call theirs
  // libcudart-9335f6a2.so.12).
  static std::optional<CudaRuntime> find(const std::string& name = "libcudart",
                                         const std::string& driver = "libcuda.so");

  // {"name", "memory_bytes", "pci_bus_id"} of the first GPU that this process sees; null if a value cannot
  // be had.
  nlohmann::ordered_json gpu_facts() const;
};

// The GPU's own times of a network's run: from the moment when the GPU begins with the first thing asked of
// it to the moment when it is done with a stage. Everything happens on the default stream, the one that
// LibTorch uses unless told otherwise, which this program never does. RunError if a call fails (an earlier
// operation on the GPU is the usual cause).
class DeviceTimer {
 public:
  DeviceTimer(const CudaRuntime& runtime, int stages);  // EnvironmentError if no event can be had
  ~DeviceTimer();
  DeviceTimer(const DeviceTimer&) = delete;
  DeviceTimer& operator=(const DeviceTimer&) = delete;

  void start();               // a run begins; the times of the one before are forgotten
  void end_stage(int stage);  // 0-based, behind the stage's last operation
  // Waits for the stage's end. None where this run has not come to it.
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
