// A whole network from a TorchScript file, run as one stage of one block. TorchScript is deprecated in late LibTorch 2.x:
// this is the only file that knows it.
#pragma once

#include <memory>

#include "models/compute_device.h"
#include "models/network_file.h"
#include "models/staged_model.h"

namespace alertbench {

// InputError: a file that is torn or no TorchScript, or a network that does not take spec.input.
std::unique_ptr<StagedModel> load_torchscript(const NetworkSpec& spec, const ComputeDevice& device = {});

}  // namespace alertbench
