// Wraps LibTorch's networks for the harness: failures name the network, and asynchronous devices are waited
// for.
//
// A GPU works asynchronously. The harness reads its clock between blocks, to stop at a deadline, to idle
// under an emulated cap, and to note when a stage was finished. So it waits for the device at the end of
// every stage and, if a network may be stopped (it has several stages, or is a member of a cascade), at the
// end of every block. A wait
// costs about 10 us; without it, a stop would come long after the complete stage was queued. The times on the
// harness's clock are therefore those that a user sees, including launching and waiting; device_time_s() is
// the time that the device itself took. The thread is busy while it waits (CUDA's default).
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <new>
#include <optional>
#include <string>

#include "base/error.h"
#include "models/cuda_runtime.h"
#include "models/staged_model.h"

namespace alertbench {

// For a network on the processor only failures change: they become RunErrors that name it.
std::unique_ptr<StagedModel> on_processor(std::unique_ptr<StagedModel> network, const std::string& name);

// `network` must lie on `device`, with all of its work on the device's current stream. If it was stopped
// early and work is still running, the next input or run waits for that first. `name` is for errors: RunError
// if the device fails or its memory is full. Device times are available if a `runtime` is passed. A network
// of several stages always counts as one that may be stopped.
std::unique_ptr<StagedModel> on_device(std::unique_ptr<StagedModel> network, const std::string& name,
                                       at::Device device, const std::optional<CudaRuntime>& runtime = {},
                                       bool may_be_stopped = false);

// Recognises a failure of the machine (full memory, a failed GPU) by LibTorch's message, because
// TorchScript's interpreter keeps nothing else. Returns nullopt for other failures.
std::optional<RunError> machine_failure(const std::string& network, const std::string& message);
// Converts any error that LibTorch threw while the network ran on the device.
RunError failure_on(at::Device device, const std::string& network, const c10::Error& error);
RunError out_of_memory(const std::string& network, const std::string& what);

// Runs `action`. Errors thrown by LibTorch, and running out of memory, become a RunError that names the
// network.
template <class Action>
auto named_failures(at::Device device, const std::string& network, const Action& action)
    -> decltype(action()) {
  try {
    return action();
  } catch (const c10::Error& e) {
    throw failure_on(device, network, e);
  } catch (const std::bad_alloc&) {
    throw out_of_memory(network, "");
  }
}

}  // namespace alertbench
