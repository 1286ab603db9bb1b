// Gradients of a network with several stages (outputs), for one step of an ordinary optimiser.
//
// Joint SGD adds the gradients of all stages up. Orthogonalized SGD (Wan et al., "Orthogonalized SGD and
// Nested Architectures for Anytime Neural Networks", ICML 2020) gives earlier stages priority: the gradient
// of stage k is first projected onto what is orthogonal to those of the stages 1..k-1, so that to first order
// a later stage's part of the step does not change what an earlier stage has to say; then all parts are added
// up and make one step.
//
// The projection is modified Gram-Schmidt for each parameter tensor by itself. (The paper's abstract does not
// say whether by tensor or over all of them at once: by tensor is the stronger of the two, since orthogonal
// in every tensor is orthogonal as a whole, and a layer with large gradients cannot decide for the others.)
// Parameters that only one stage uses keep that stage's gradient as it is.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

namespace alertbench {

enum class TrainingMethod {
  joint,
  balanced,
  orthogonalized
};  // balanced: joint, and training/stage_balance.h

TrainingMethod training_method(const std::string& name);  // by these names; InputError otherwise
std::string describe(TrainingMethod method);              // for a log

// gradients[k]: of stage k, by parameter; an undefined tensor where the stage does not use the parameter.
// Projects them in place, and returns the sum by parameter, undefined where no stage uses it.
std::vector<torch::Tensor> orthogonalize(std::vector<std::vector<torch::Tensor>>& gradients);

// Sets the gradients of the parameters (what was in them is dropped) from one scalar loss a stage, the first
// stage first.
void set_gradients(const std::vector<torch::Tensor>& losses, const std::vector<torch::Tensor>& parameters,
                   TrainingMethod method);  // balanced is as joint here

}  // namespace alertbench
