// Networks of LibTorch as the harness is to see them: failures have a name, and devices that work in their
// own time are waited for.
//
// A GPU takes orders and answers later. The harness looks at its clock between blocks: to stop at a deadline,
// to idle under an emulated cap, to note when a stage was done. So the device is waited for at the end of
// every stage, and, where a network has several and may be stopped, at the end of every block: a wait costs
// some 10 us, and without it a stop would come when the whole stage has long been ordered. Times that the
// clock shows are therefore those that a user sees, launching and waiting included; what the device itself
// took is device_time_s(). The thread is busy while it waits (CUDA's default).
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

// Of a network on the processor nothing changes but its failures: RunErrors that name it.
std::unique_ptr<StagedModel> on_processor(std::unique_ptr<StagedModel> network, const std::string& name);

// `network` lies on `device`, all of its work on the device's current stream. Where it was stopped early, and
// work is still under way, that is waited for before the next input or run begins. `name` is for errors:
// RunError if the device fails or its memory is full. Device times where there is a `runtime`.
std::unique_ptr<StagedModel> on_device(std::unique_ptr<StagedModel> network, const std::string& name,
                                       at::Device device, const std::optional<CudaRuntime>& runtime = {});

// A failure of the machine, told by LibTorch's message (TorchScript's interpreter keeps nothing else): memory
// that is full, a GPU that failed. None if it is something else.
std::optional<RunError> machine_failure(const std::string& network, const std::string& message);
// The same of what LibTorch threw while the network was on the device, whatever it is.
RunError failure_on(at::Device device, const std::string& network, const c10::Error& error);
RunError out_of_memory(const std::string& network, const std::string& what);

// Runs `action`; what LibTorch throws, and memory that runs out, becomes a RunError that names the network.
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
