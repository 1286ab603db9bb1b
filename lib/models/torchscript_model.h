// A whole network from a TorchScript file, run as one stage of one block. TorchScript is deprecated in late
// LibTorch 2.x: this is the only file that knows it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/compute_device.h"
#include "models/network_file.h"
#include "models/staged_model.h"

namespace alertbench {

// InputError that names file, network and reason: a file that is torn or no TorchScript, needs what this
// LibTorch has not, is no mere computation (models/torchscript_check.h), or a network that does not take
// spec.input. What makes its answers doubtful (it was traced in training mode) is added to `warnings`.
std::unique_ptr<StagedModel> load_torchscript(const NetworkSpec& spec, const ComputeDevice& device = {},
                                              std::vector<std::string>* warnings = nullptr);

}  // namespace alertbench
