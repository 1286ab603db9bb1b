#include "models/layer_network.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "models/prepacked_conv.h"

namespace alertbench {
namespace {

using at::Tensor;
using zoo::Activation;
using zoo::Architecture;
using zoo::Shape;

constexpr int imagenet_classes = 1000;

using Values = std::vector<Tensor>;  // of all nodes; undefined: not computed yet, or not needed any more

// contiguous() would leave 1x1 and depthwise weights as they are, since their layouts coincide; but oneDNN's
// operators read the layout off the strides.
Tensor channels_last(const Tensor& t) {
  return at::empty(t.sizes(), t.options(), at::MemoryFormat::ChannelsLast).copy_(t);
}

// As convolutions read it.
Tensor laid_out(const Tensor& t, const ComputeDevice& device) {
  return device.portable() ? t.contiguous() : channels_last(t);
}

// oneDNN pads all sides alike. Where a network does not, its input is copied into its padding beforehand; or,
// where the output is smaller, it is padded alike by more, in steps of the stride, and what comes out too
// much is cut off. For a 1x1 kernel only those pixels are copied that it reads.
class PaddedConv {
 public:
  PaddedConv(const zoo::Convolution& c, const Shape& in, const Shape& out, const Tensor& weight,
             const Tensor& bias, const ComputeDevice& device)
      : given_(c.padding),
        stride_(c.stride),
        size_(out.size),
        format_(device.portable() ? at::MemoryFormat::Contiguous : at::MemoryFormat::ChannelsLast) {
    int64_t padding = given_.before, stride = stride_, size = in.size;
    if (given_.before != given_.after) {
      way_ = c.kernel == 1 && given_.before <= 0 ? Way::sample
             : numbers(in) < numbers(out)        ? Way::pad
                                                 : Way::cut;
      if (way_ == Way::sample) padding = 0, stride = 1, size = size_;
      if (way_ == Way::pad) padding = 0, size += given_.before + given_.after;
      while (way_ == Way::cut && (padding < given_.after || padding < 0)) padding += stride, ++first_;
    }
    conv_.emplace(laid_out(weight, device), bias, stride, padding, std::array<int64_t, 2>{size, size},
                  c.activation, c.depthwise ? in.channels : 1, device);
  }

  Tensor operator()(const Tensor& x) const {
    if (way_ == Way::alike) return (*conv_)(x);
    if (way_ == Way::cut)
      return (*conv_)(x).narrow(2, first_, size_).narrow(3, first_, size_).contiguous(format_);
    return (*conv_)((way_ == Way::pad ? padded(x) : sampled(x)).contiguous(format_));
  }
  // Like PrepackedConv::plus().
  Tensor plus(const Tensor& x, const Tensor& other, Activation after) const {
    return way_ == Way::alike ? conv_->plus(x, other, after) : activate((*this)(x).add_(other), after);
  }
  const PrepackedConv& prepacked() const { return *conv_; }

 private:
  enum class Way { alike, pad, cut, sample };

  static int64_t numbers(const Shape& s) { return int64_t{s.channels} * s.size * s.size; }

  Tensor padded(const Tensor& x) const {
    return at::constant_pad_nd(x, {given_.before, given_.after, given_.before, given_.after});
  }
  Tensor sampled(const Tensor& x) const {
    const int64_t first = -given_.before, end = std::min(x.size(2), first + (size_ - 1) * stride_ + 1);
    const Tensor read = x.slice(2, first, end, stride_).slice(3, first, end, stride_);
    const int64_t missing = size_ - read.size(2);
    return missing ? at::constant_pad_nd(read, {0, missing, 0, missing}) : read;
  }

  zoo::Padding given_;
  int64_t stride_, size_, first_ = 0;
  Way way_ = Way::alike;
  at::MemoryFormat format_;
  std::optional<PrepackedConv> conv_;
};

PaddedConv fold(const Architecture& net, const zoo::Convolution& c, const zoo::Node& node,
                const Weights& weights, const ComputeDevice& device) {
  Tensor weight = weights.at(c.name + ".weight");
  Tensor bias = c.bias ? weights.at(c.name + ".bias") : at::zeros({c.out});
  if (!c.norm.name.empty()) {
    const auto part = [&](const char* of) {
      return weights.at(c.norm.name + of).narrow(0, c.norm.first, c.out);
    };
    const Tensor gain = part(".weight") / at::sqrt(part(".running_var") + net.norm_epsilon());
    weight = weight * gain.view({-1, 1, 1, 1});
    bias = (bias - part(".running_mean")) * gain + part(".bias");
  }
  return PaddedConv(c, net.shape(node.inputs[0]), node.shape, weight, bias, device);
}

// Which values a node's computation reads, itself or with the convolution that is part of it.
struct Planned {
  size_t node;
  size_t fused;  // the convolution that adds the other value of a sum; 0: none
  std::vector<size_t> reads;
  std::vector<size_t> dead;  // what it is the last to read

  bool last_to_read(size_t value) const { return std::count(dead.begin(), dead.end(), value) != 0; }
};
using Plan = std::vector<std::vector<Planned>>;  // by block

// A convolution without activation is computed by the sum of two values that alone reads it.
class Planner {
 public:
  explicit Planner(const Architecture& net) : net_(net), readers_(net.nodes().size()) {
    for (size_t n = 0; n < net.nodes().size(); ++n)
      for (const zoo::Value in : net.nodes()[n].inputs) readers_[static_cast<size_t>(in)].push_back(n);
  }

  Plan plan() const {
    Plan all;
    size_t n = 1;  // behind the image
    for (const size_t end : net_.block_ends()) {
      all.emplace_back();
      for (const size_t first = n; n < end; ++n)
        if (readers_[n].size() != 1 || readers_[n][0] >= end || summand(readers_[n][0], first) != n)
          all.back().push_back(planned(n, first));
    }
    mark_dead(all);
    return all;
  }

 private:
  const zoo::Node& node(size_t n) const { return net_.nodes()[n]; }

  // The first convolution that the sum n can compute, if it belongs to the block that begins with `first`.
  size_t summand(size_t n, size_t first) const {
    if (!std::holds_alternative<zoo::Add>(node(n).operation) || node(n).inputs.size() != 2) return 0;
    for (const zoo::Value in : node(n).inputs) {
      const auto i = static_cast<size_t>(in);
      const auto* conv = std::get_if<zoo::Convolution>(&node(i).operation);
      if (conv && i >= first && conv->activation == Activation::none && readers_[i].size() == 1) return i;
    }
    return 0;
  }

  Planned planned(size_t n, size_t first) const {
    Planned p{n, summand(n, first), {}, {}};
    for (const zoo::Value in : node(n).inputs) {
      const auto i = static_cast<size_t>(in);
      p.reads.push_back(i == p.fused && p.fused ? static_cast<size_t>(node(i).inputs[0]) : i);
    }
    return p;
  }

  void mark_dead(Plan& all) const {
    std::vector<bool> needed(net_.nodes().size());
    needed[0] = needed.back() = true;  // the image for the next run, the scores for the caller
    for (auto block = all.rbegin(); block != all.rend(); ++block)
      for (auto p = block->rbegin(); p != block->rend(); ++p)
        for (const size_t in : p->reads) {
          if (!needed[in]) p->dead.push_back(in);
          needed[in] = true;
        }
  }

  const Architecture& net_;
  std::vector<std::vector<size_t>> readers_;  // of each value, in order
};

// Computes the value of a node from others. It may change those that nobody reads after it.
using Run = std::function<Tensor(Values&)>;

class Compiler {
 public:
  // `prepacked`: what StagedModel::prepacked() says, of all convolutions compiled so far.
  Compiler(const Architecture& net, const Weights& weights, const ComputeDevice& device,
           std::optional<bool>& prepacked)
      : net_(net), weights_(weights), device_(device), prepacked_(prepacked) {}

  Run compile(const Planned& p) {
    if (p.fused) return sum_with(p, std::get<zoo::Add>(net_.nodes()[p.node].operation).activation);
    return std::visit([&](const auto& o) { return run_of(o, p); }, net_.nodes()[p.node].operation);
  }

 private:
  PaddedConv conv(size_t n) {
    const zoo::Node& node = net_.nodes()[n];
    PaddedConv made = fold(net_, std::get<zoo::Convolution>(node.operation), node, weights_, device_);
    note_prepacked(prepacked_, made.prepacked());
    return made;
  }

  Run sum_with(const Planned& p, Activation after) {
    const bool first = static_cast<size_t>(net_.nodes()[p.node].inputs[0]) == p.fused;
    return [c = conv(p.fused), in = p.reads[first ? 0 : 1], other = p.reads[first ? 1 : 0],
            after](Values& v) { return c.plus(v[in], v[other], after); };
  }

  Run run_of(const zoo::Input&, const Planned&) { return {}; }
  Run run_of(const zoo::Convolution&, const Planned& p) {
    return [c = conv(p.node), in = p.reads[0]](Values& v) { return c(v[in]); };
  }
  Run run_of(const zoo::MaxPool& m, const Planned& p) {
    return [m, in = p.reads[0]](Values& v) {
      return at::max_pool2d(v[in], m.kernel, m.stride, m.padding, 1, m.ceil);
    };
  }
  Run run_of(const zoo::AveragePool& a, const Planned& p) {
    return [a, in = p.reads[0]](Values& v) {
      return at::avg_pool2d(v[in], a.kernel, a.stride, a.padding, a.ceil, /*count_include_pad=*/false);
    };
  }
  Run run_of(const zoo::AdaptivePool& a, const Planned& p) {
    return [a, in = p.reads[0]](Values& v) { return at::adaptive_avg_pool2d(v[in], {a.size, a.size}); };
  }
  // A product of matrix and vector: for one image faster than at::linear.
  Run run_of(const zoo::Linear& l, const Planned& p) {
    const Tensor weight = device_.put(weights_.at(l.name + ".weight")),
                 bias = device_.put(weights_.at(l.name + ".bias"));
    return [weight, bias, activation = l.activation, in = p.reads[0]](Values& v) {
      return activate(at::addmv(bias, weight, v[in].reshape({-1})), activation);
    };
  }
  Run run_of(const zoo::Relu&, const Planned& p) {
    const size_t in = p.reads[0];
    if (p.last_to_read(in)) return [in](Values& v) { return v[in].relu_(); };
    return [in](Values& v) { return at::relu(v[in]); };
  }
  Run run_of(const zoo::Add& sum, const Planned& p) {
    return [in = p.reads, after = sum.activation](Values& v) {
      Tensor total = in.size() > 1 ? v[in[0]] + v[in[1]] : v[in[0]].clone();
      for (size_t i = 2; i < in.size(); ++i) total.add_(v[in[i]]);
      return activate(total, after);
    };
  }
  Run run_of(const zoo::Concatenate&, const Planned& p) {
    return [in = p.reads](Values& v) {
      std::vector<Tensor> parts;
      for (const size_t i : in) parts.push_back(v[i]);
      return at::cat(parts, 1);
    };
  }

  const Architecture& net_;
  const Weights& weights_;
  const ComputeDevice& device_;
  std::optional<bool>& prepacked_;
};

struct ReadyNode {
  Run run;
  size_t output;
  std::vector<size_t> dead;
};

class LayerNetwork : public StagedModel {
 public:
  LayerNetwork(const Architecture& net, const Weights& weights, const ComputeDevice& device)
      : device_(device), input_(device), values_(net.nodes().size()) {
    c10::InferenceMode inference;
    Compiler compiler(net, weights, device, prepacked_);
    for (const auto& block : Planner(net).plan()) {
      blocks_.emplace_back();
      for (const Planned& p : block) blocks_.back().push_back({compiler.compile(p), p.node, p.dead});
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
    if (block == 0) values_[0] = input_.fetch();
    for (const ReadyNode& ready : blocks_[static_cast<size_t>(block)]) {
      values_[ready.output] = ready.run(values_);
      for (const size_t dead : ready.dead) values_[dead].reset();
    }
  }

  std::vector<float> scores(int) const override {
    c10::InferenceMode inference;
    const Tensor flat = values_.back().cpu().reshape({-1}).contiguous();
    return std::vector<float>(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel());
  }

  std::optional<bool> prepacked() const override { return prepacked_; }

 private:
  ComputeDevice device_;
  std::vector<std::vector<ReadyNode>> blocks_;
  InputTensor input_;  // the same one may be run again and again
  Values values_;
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
  std::set<std::string> by_class;  // what the last layer with weights has
  if (net.classes() == imagenet_classes)
    for (auto node = net.nodes().rbegin(); by_class.empty(); ++node)
      for (const zoo::StateEntry& entry : zoo::state_entries(net, *node)) by_class.insert(entry.name);
  fill_weights(
      weights, path, same_name,
      "networks of the zoo have the names of torchvision's models, and timm's differ for some: rename "
      "the file's tensors, or trace the model and set \"architecture\": \"torchscript\"",
      by_class);
  return weights;
}

std::unique_ptr<StagedModel> compile(const zoo::Architecture& net, const Weights& weights,
                                     const ComputeDevice& device) {
  return std::make_unique<LayerNetwork>(net, weights, device);
}

}  // namespace alertbench
