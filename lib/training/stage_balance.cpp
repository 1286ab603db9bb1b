#include "training/stage_balance.h"

#include <map>

namespace alertbench {
namespace {

using torch::Tensor;

// For `size` numbers in `stripes` equal groups: of group s (0-based) one over stripes - s.
Tensor by_stripe(int64_t size, int stripes) {
  Tensor scale = torch::ones({size});
  for (int64_t s = 0; s < stripes; ++s)
    scale.narrow(0, s * (size / stripes), size / stripes).fill_(1.0 / static_cast<double>(stripes - s));
  return scale;
}

// Parameters that only one stage uses are not in `known`.
std::vector<Tensor> in_order(const std::vector<Tensor>& parameters,
                             const std::map<const void*, Tensor>& known) {
  std::vector<Tensor> scales;
  for (const Tensor& p : parameters) {
    const auto found = known.find(p.unsafeGetTensorImpl());
    scales.push_back(found == known.end() ? torch::ones({}) : found->second);
  }
  return scales;
}

}  // namespace

std::vector<Tensor> stage_balance(const StripedLstm& net) {
  const int stripes = net->config.stripes;
  std::map<const void*, Tensor> known;
  known[net->embedding.unsafeGetTensorImpl()] = by_stripe(net->config.units, stripes);
  known[net->output_bias.unsafeGetTensorImpl()] = by_stripe(stripes, stripes).view({-1, 1});
  for (const auto& layer : net->layers)
    for (size_t s = 0; s < layer.size(); ++s)
      for (const Tensor& p : {layer[s].input, layer[s].recurrent, layer[s].bias})
        known[p.unsafeGetTensorImpl()] = torch::full({}, 1.0 / static_cast<double>(layer.size() - s));
  return in_order(net->parameters(), known);
}

std::vector<Tensor> stage_balance(const StripedResnet& net) {
  const int stripes = net->config.stripes;
  std::map<const void*, Tensor> known;
  for (const auto& module : net->modules()) {
    if (const auto* conv = dynamic_cast<const StripedConvImpl*>(module.get()))
      known[conv->weight.unsafeGetTensorImpl()] = by_stripe(conv->out, stripes).view({-1, 1, 1, 1});
    if (const auto* norm = dynamic_cast<const torch::nn::BatchNorm2dImpl*>(module.get()))
      for (const Tensor& p : {norm->weight, norm->bias})
        known[p.unsafeGetTensorImpl()] = by_stripe(p.size(0), stripes);
  }
  return in_order(net->parameters(), known);
}

void scale_gradients(const std::vector<Tensor>& parameters, const std::vector<Tensor>& scales) {
  torch::NoGradGuard no_grad;
  for (size_t i = 0; i < parameters.size(); ++i)
    if (parameters[i].grad().defined()) parameters[i].mutable_grad().mul_(scales[i]);
}

}  // namespace alertbench
