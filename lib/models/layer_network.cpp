#include "models/layer_network.h"

#include <ATen/CPUGeneratorImpl.h>

#include <cmath>
#include <functional>
#include <vector>

#include "models/prepacked_conv.h"

namespace alertbench {
namespace {

using at::Tensor;
using zoo::Activation;
using zoo::Shape;

using Step = std::function<Tensor(const Tensor&)>;
using Steps = std::vector<Step>;

// contiguous() would leave 1x1 and depthwise weights as they are, since their layouts coincide; but oneDNN's
// operators read the layout off the strides.
Tensor channels_last(const Tensor& t) {
  return at::empty(t.sizes(), t.options(), at::MemoryFormat::ChannelsLast).copy_(t);
}

// As convolutions read it.
Tensor laid_out(const Tensor& t, const ComputeDevice& device) {
  return device.portable() ? t.contiguous() : channels_last(t);
}

Step step_of(const zoo::Convolution& c, const Shape& in, const Weights& weights,
             const ComputeDevice& device) {
  Tensor weight = weights.at(c.name + ".weight");
  Tensor bias = c.bias ? weights.at(c.name + ".bias") : at::zeros({c.out});
  if (!c.norm.empty()) {
    const Tensor gain = weights.at(c.norm + ".weight") /
                        at::sqrt(weights.at(c.norm + ".running_var") + zoo::batch_norm_epsilon);
    weight = weight * gain.view({-1, 1, 1, 1});
    bias = (bias - weights.at(c.norm + ".running_mean")) * gain + weights.at(c.norm + ".bias");
  }
  return PrepackedConv(laid_out(weight, device), bias, c.stride, c.padding, {in.size, in.size}, c.activation,
                       c.groups, device);
}

Step step_of(const zoo::MaxPool& p, const Shape&, const Weights&, const ComputeDevice&) {
  return [p](const Tensor& x) { return at::max_pool2d(x, p.kernel, p.stride, p.padding, 1, p.ceil); };
}

Step step_of(const zoo::AveragePool& p, const Shape&, const Weights&, const ComputeDevice&) {
  return [p](const Tensor& x) { return at::adaptive_avg_pool2d(x, {p.size, p.size}); };
}

// A product of matrix and vector: for one image faster than at::linear.
Step step_of(const zoo::Linear& l, const Shape&, const Weights& weights, const ComputeDevice& device) {
  const Tensor weight = device.put(weights.at(l.name + ".weight")),
               bias = device.put(weights.at(l.name + ".bias"));
  const Activation activation = l.activation;
  return [weight, bias, activation](const Tensor& x) {
    return activate(at::addmv(bias, weight, x.reshape({-1})), activation);
  };
}

Tensor run_first(const Steps& steps, size_t count, Tensor x) {
  for (size_t s = 0; s < count; ++s) x = steps[s](x);
  return x;
}
Tensor run(const Steps& steps, const Tensor& x) { return run_first(steps, steps.size(), x); }

// The sum of the branches, and what follows it. The last convolution of the first branch adds the others.
Tensor run_sum(const std::vector<Steps>& branches, const Tensor& x, Activation after) {
  Tensor others;
  for (size_t b = 1; b < branches.size(); ++b) {
    const Tensor y = run(branches[b], x);
    others = others.defined() ? others + y : y;
  }
  const PrepackedConv* last = branches[0].back().target<PrepackedConv>();
  if (last && others.defined())
    return last->plus(run_first(branches[0], branches[0].size() - 1, x), others, after);
  Tensor sum = run(branches[0], x);
  if (others.defined()) sum.add_(others);
  return activate(sum, after);
}

struct CompiledBlock {
  Steps layers;
  zoo::Join join;
  std::vector<Steps> branches;
  Activation activation;

  Tensor operator()(const Tensor& in) const {
    const Tensor x = run(layers, in);
    if (join == zoo::Join::none) return x;
    if (join == zoo::Join::add) return run_sum(branches, x, activation);
    std::vector<Tensor> results;
    for (const Steps& branch : branches) results.push_back(run(branch, x));
    return activate(at::cat(results, 1), activation);
  }
};

class LayerNetwork : public StagedModel {
 public:
  LayerNetwork(const zoo::Architecture& net, const Weights& weights, const ComputeDevice& device)
      : device_(device), input_(device) {
    c10::InferenceMode inference;
    std::vector<Step> steps;  // in the order of for_each_layer, which knows the sizes
    zoo::for_each_layer(net, [&](const zoo::Layer& layer, const Shape& in) {
      const auto add = [&](const auto& l) {
        steps.push_back(step_of(l, in, weights, device));
        if (const auto* conv = steps.back().target<PrepackedConv>()) note_prepacked(prepacked_, *conv);
      };
      std::visit(add, layer);
    });
    auto next = steps.begin();
    const auto take = [&next](const std::vector<zoo::Layer>& layers) {
      const auto first = next;
      next += static_cast<std::ptrdiff_t>(layers.size());
      return Steps(first, next);
    };
    for (const zoo::Block& block : net.blocks) {
      blocks_.push_back({take(block.layers), block.join, {}, block.activation});
      if (block.join == zoo::Join::none) continue;
      for (const auto& branch : block.branches) blocks_.back().branches.push_back(take(branch));
    }
  }

  int stages() const override { return 1; }
  int blocks(int) const override { return static_cast<int>(blocks_.size()); }

  void set_input(const NetworkInput& input) override {
    const Image& image = input_of_kind<Image>(input, "images");
    c10::InferenceMode inference;
    const Tensor values = at::empty({1, image.channels, image.height, image.width}, at::kFloat);
    std::copy(image.chw.begin(), image.chw.end(), values.data_ptr<float>());
    input_.set(laid_out(values, device_));
  }

  void run_block(int, int block) override {
    c10::InferenceMode inference;
    activations_ = blocks_[static_cast<size_t>(block)](block == 0 ? input_.fetch() : activations_);
  }

  std::vector<float> scores(int) const override {
    c10::InferenceMode inference;
    const Tensor flat = activations_.cpu().reshape({-1}).contiguous();
    return std::vector<float>(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
  }

  std::optional<bool> prepacked() const override { return prepacked_; }

 private:
  ComputeDevice device_;
  std::vector<CompiledBlock> blocks_;
  InputTensor input_;  // the same one may be run again and again
  Tensor activations_;
  std::optional<bool> prepacked_;
};

}  // namespace

Weights random_weights(const zoo::Architecture& net, uint64_t seed) {
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  Weights weights;
  for (const zoo::StateEntry& entry : zoo::state_dictionary(net)) {
    const bool matrix = entry.shape.size() > 1;
    const bool ones = !matrix && entry.name.rfind(".bias") == std::string::npos &&
                      entry.name.rfind(".running_mean") == std::string::npos;
    const Tensor t = ones ? at::ones(entry.shape) : at::zeros(entry.shape);
    if (matrix)
      t.normal_(0,
                std::sqrt(2.0 * static_cast<double>(entry.shape[0]) / static_cast<double>(entry.numbers())),
                generator);
    weights.emplace(entry.name, t);
  }
  return weights;
}

Weights read_weights(const zoo::Architecture& net, const std::string& path) {
  Weights weights;
  for (const zoo::StateEntry& entry : zoo::state_dictionary(net))
    weights.emplace(entry.name, at::empty(entry.shape));
  fill_weights(weights, path);
  return weights;
}

std::unique_ptr<StagedModel> compile(const zoo::Architecture& net, const Weights& weights,
                                     const ComputeDevice& device) {
  return std::make_unique<LayerNetwork>(net, weights, device);
}

}  // namespace alertbench
