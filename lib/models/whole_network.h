// An image network that comes as a whole from a file, weights and code together, and runs as one stage of one
// block.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <string>

#include "models/compute_device.h"
#include "models/network_file.h"
#include "models/staged_model.h"

namespace alertbench {

// Runs the network on one image, float32 [1, channels, height, width] on the device, and returns its scores.
// Fails by InputError or an exception of LibTorch.
using WholeForward = std::function<at::Tensor(const at::Tensor& image)>;

// `forward` is called with inference mode on. What it throws becomes a RunError if the machine failed
// (models/device_model.h), or else an InputError that names the file and the network: it does not accept
// spec.input.
std::unique_ptr<StagedModel> whole_network(WholeForward forward, const NetworkSpec& spec,
                                           const ComputeDevice& device);

// The start of messages about the network's file.
std::string file_and_network(const NetworkSpec& spec);

// What stands behind the last `mark` in a text, up to the end of the line; empty if it has none.
std::string behind_last(const std::string& text, const std::string& mark);
// The one line of LibTorch's long message that says why.
std::string line_with_reason(const std::string& message);

}  // namespace alertbench
