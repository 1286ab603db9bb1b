#include "training/orthogonalized_sgd.h"

#include <fmt/format.h>

#include "base/error.h"

namespace alertbench {
namespace {

using torch::Tensor;

double product(const Tensor& a, const Tensor& b) {
  return at::dot(a.reshape({-1}), b.reshape({-1})).item<double>();
}

// A copy: the gradients of two parameters may share memory, and are to be changed in place.
Tensor own(const Tensor& gradient) { return gradient.defined() ? gradient.clone() : gradient; }

}  // namespace

TrainingMethod training_method(const std::string& name) {
  if (name == "joint") return TrainingMethod::joint;
  if (name == "orthogonalized") return TrainingMethod::orthogonalized;
  if (name == "balanced") return TrainingMethod::balanced;
  throw InputError(fmt::format("method \"{}\" is unknown; use joint, balanced or orthogonalized", name));
}

std::string describe(TrainingMethod method) {
  if (method == TrainingMethod::joint) return "sum over stages of cross entropy (joint SGD)";
  return method == TrainingMethod::balanced ? "cross entropy of each stage, each parameter's gradient the "
                                              "mean over the stages that use it (joint SGD)"
                                            : "cross entropy of each stage, its gradient orthogonal to those "
                                              "of earlier stages (Orthogonalized SGD)";
}

std::vector<Tensor> orthogonalize(std::vector<std::vector<Tensor>>& gradients) {
  torch::NoGradGuard no_grad;
  std::vector<Tensor> sums;
  for (size_t p = 0; p < gradients.front().size(); ++p) {
    Tensor sum;
    std::vector<std::pair<Tensor, double>> basis;  // with their squared lengths
    for (auto& of_stage : gradients) {
      Tensor& gradient = of_stage[p];
      if (!gradient.defined()) continue;
      const double before = product(gradient, gradient);
      for (const auto& [direction, squared] : basis)
        gradient.sub_(direction, product(gradient, direction) / squared);
      const double squared = product(gradient, gradient);
      // What is left of a gradient that lies within the earlier ones is rounding: no direction to keep free.
      if (squared > 1e-10 * before) basis.emplace_back(gradient, squared);
      sum = sum.defined() ? sum + gradient : gradient;
    }
    sums.push_back(sum);
  }
  return sums;
}

void set_gradients(const std::vector<Tensor>& losses, const std::vector<Tensor>& parameters,
                   TrainingMethod method) {
  for (const Tensor& p : parameters) p.mutable_grad() = Tensor();
  if (method != TrainingMethod::orthogonalized || losses.size() == 1) {
    Tensor sum = losses.front();
    for (size_t k = 1; k < losses.size(); ++k) sum = sum + losses[k];
    sum.backward();
    return;
  }
  std::vector<std::vector<Tensor>> gradients;
  for (size_t k = 0; k < losses.size(); ++k) {
    gradients.emplace_back();
    for (const Tensor& g :
         torch::autograd::grad({losses[k]}, parameters, {}, k + 1 < losses.size(), false, true))
      gradients.back().push_back(own(g));
  }
  const std::vector<Tensor> sums = orthogonalize(gradients);
  for (size_t p = 0; p < parameters.size(); ++p) parameters[p].mutable_grad() = sums[p];
}

}  // namespace alertbench
