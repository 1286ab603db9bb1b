// Prepares a trained (striped) residual network for inference of one image: batch norm folded into the
// convolutions, and then either the project's own code for small images on one core
// (models/direct_resnet.h), or weights prepacked for oneDNN and ReLU fused if it follows directly. The result
// is the same as that of the module up to rounding, on every device.
#pragma once

#include <memory>

#include "models/compute_device.h"
#include "models/staged_model.h"
#include "models/striped_resnet.h"

namespace alertbench {

// A stage has one block for the stem, one per residual block, one for the head.
std::unique_ptr<StagedModel> compile(const StripedResnet& net, const ComputeDevice& device = {});

}  // namespace alertbench
