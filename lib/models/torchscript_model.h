// Loads a complete network from a TorchScript file, and runs it as one stage of one block. TorchScript is
// deprecated in late LibTorch 2.x; only this file and models/torchscript_check.h depend on it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "models/compute_device.h"
#include "models/network_file.h"
#include "models/staged_model.h"

namespace alertbench {

// InputError names file, network and reason: the file is truncated, is not TorchScript, needs something that
// this LibTorch lacks, or is not a pure computation (models/torchscript_check.h), or the network does not
// accept spec.input. Reasons to doubt its answers (such as tracing in training mode) are added to `warnings`.
std::unique_ptr<StagedModel> load_torchscript(const NetworkSpec& spec, const ComputeDevice& device = {},
                                              std::vector<std::string>* warnings = nullptr);

}  // namespace alertbench
