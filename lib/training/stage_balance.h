// A joint step without a tilt towards early stages. In the sum of all stages' gradients the parameters of
// stripe s get those of all stages from s on, so the first stripe moves `stages` times as fast as the last,
// which only its own stage teaches. Here each parameter gets the mean over the stages that use it instead.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "models/striped_lstm.h"
#include "models/striped_resnet.h"

namespace alertbench {

// One over the number of stages that use each part of a parameter, shaped to be multiplied with its gradient;
// in the order of the module's parameters().
std::vector<torch::Tensor> stage_balance(const StripedLstm& net);
std::vector<torch::Tensor> stage_balance(const StripedResnet& net);

void scale_gradients(const std::vector<torch::Tensor>& parameters, const std::vector<torch::Tensor>& scales);

}  // namespace alertbench
