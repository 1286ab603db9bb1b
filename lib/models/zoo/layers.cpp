#include "models/zoo/layers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace alertbench::zoo {
namespace {

int windows(const char* what, int size, int kernel, int stride, Padding padding, bool ceil) {
  const int room = size + padding.before + padding.after - kernel + (ceil ? stride - 1 : 0);
  if (room < 0)
    throw InputError(
        fmt::format("an image of {0}x{0} is too small here for {1} of {2}x{2}; use a larger input_size", size,
                    what, kernel));
  int count = room / stride + 1;
  if (ceil && (count - 1) * stride >= size + padding.before) --count;  // a window must begin inside the image
  return count;
}

Shape same_shape(const std::vector<Shape>& in) {
  for (const Shape& other : in)
    if (other.size != in[0].size || other.channels != in[0].channels)
      throw InputError(fmt::format("{0}x{1}x{1} and {2}x{3}x{3} cannot be added", in[0].channels, in[0].size,
                                   other.channels, other.size));
  return in[0];
}

Shape output_of(const Convolution& c, const std::vector<Shape>& in) {
  if (c.depthwise && c.out != in[0].channels)
    throw InputError(
        fmt::format("{}: depthwise for {} channels, but gets {}", c.name, c.out, in[0].channels));
  return {c.out, windows("a convolution", in[0].size, c.kernel, c.stride, c.padding, false)};
}
Shape output_of(const MaxPool& p, const std::vector<Shape>& in) {
  return {in[0].channels, windows("a pooling", in[0].size, p.kernel, p.stride, around(p.padding), p.ceil)};
}
Shape output_of(const AveragePool& p, const std::vector<Shape>& in) {
  return {in[0].channels, windows("a pooling", in[0].size, p.kernel, p.stride, around(p.padding), p.ceil)};
}
Shape output_of(const AdaptivePool& p, const std::vector<Shape>& in) { return {in[0].channels, p.size}; }
Shape output_of(const Linear& l, const std::vector<Shape>&) { return {l.out, 1}; }
Shape output_of(const Relu&, const std::vector<Shape>& in) { return in[0]; }
Shape output_of(const Add&, const std::vector<Shape>& in) { return same_shape(in); }
Shape output_of(const Concatenate&, const std::vector<Shape>& in) {
  Shape all = in[0];
  for (size_t i = 1; i < in.size(); ++i) {
    if (in[i].size != all.size)
      throw InputError(
          fmt::format("images of {0}x{0} and {1}x{1} cannot be concatenated", all.size, in[i].size));
    all.channels += in[i].channels;
  }
  return all;
}
Shape output_of(const Input&, const std::vector<Shape>&) { throw InputError("a network has only one image"); }

int inputs_per_filter(const Convolution& c, const Shape& in) { return c.depthwise ? 1 : in.channels; }

}  // namespace

Padding same_padding(int size, int kernel, int stride) {
  const int outputs = (size + stride - 1) / stride;
  const int zeros = std::max((outputs - 1) * stride + kernel - size, 0);
  return {zeros / 2, zeros - zeros / 2};
}

Convolution same_conv(const std::string& name, const std::string& norm, int out, int kernel, int stride,
                      Activation activation) {
  Convolution c;
  c.name = name;
  c.norm.name = norm;
  c.out = out;
  c.kernel = kernel;
  c.stride = stride;
  c.padding = around(kernel / 2);
  c.activation = activation;
  return c;
}

Convolution same_depthwise(const std::string& name, const std::string& norm, int channels, int kernel,
                           int stride, Activation activation) {
  Convolution c = same_conv(name, norm, channels, kernel, stride, activation);
  c.depthwise = true;
  return c;
}

Architecture::Architecture(int channels, int input_size, int classes, double norm_epsilon)
    : classes_(classes), norm_epsilon_(norm_epsilon), nodes_{{Input{}, {}, {channels, input_size}}} {}

Value Architecture::add(Operation operation, std::vector<Value> inputs) {
  std::vector<Shape> shapes;
  for (const Value v : inputs) shapes.push_back(shape(v));
  const bool several =
      std::holds_alternative<Add>(operation) || std::holds_alternative<Concatenate>(operation);
  if (several ? shapes.empty() : shapes.size() != 1)
    throw InputError(fmt::format("an operation cannot have {} inputs", shapes.size()));
  const Shape out = std::visit([&shapes](const auto& o) { return output_of(o, shapes); }, operation);
  nodes_.push_back({std::move(operation), std::move(inputs), out});
  return static_cast<Value>(nodes_.size()) - 1;
}

Value Architecture::relu(Value x) {
  for (size_t n = static_cast<size_t>(x) + 1; n < nodes_.size(); ++n)
    if (std::holds_alternative<Relu>(nodes_[n].operation) && nodes_[n].inputs[0] == x)
      return static_cast<Value>(n);
  return add(Relu{}, {x});
}

void Architecture::end_block() { block_ends_.push_back(nodes_.size()); }

void Architecture::finish() {
  const Shape last = nodes_.back().shape;
  if (last.channels * last.size * last.size != classes_)
    throw InputError(fmt::format("the scores: {} classes, but the last layer gives {}x{}x{}", classes_,
                                 last.channels, last.size, last.size));
  end_block();
}

int64_t StateEntry::numbers() const {
  int64_t n = 1;
  for (const int64_t side : shape) n *= side;
  return n;
}

std::vector<StateEntry> state_entries(const Architecture& net, const Node& node) {
  if (const auto* c = std::get_if<Convolution>(&node.operation)) {
    const int in = inputs_per_filter(*c, net.shape(node.inputs[0]));
    std::vector<StateEntry> all{{c->name + ".weight", {c->out, in, c->kernel, c->kernel}}};
    if (c->bias) all.push_back({c->name + ".bias", {c->out}});
    const int channels = c->norm.channels ? c->norm.channels : c->out;
    if (c->norm.name.empty() || c->norm.first + c->out != channels) return all;
    all.push_back({c->norm.name + ".weight", {channels}});
    all.push_back({c->norm.name + ".bias", {channels}});
    all.push_back({c->norm.name + ".running_mean", {channels}, false});
    all.push_back({c->norm.name + ".running_var", {channels}, false});
    return all;
  }
  if (const auto* l = std::get_if<Linear>(&node.operation)) {
    const Shape in = net.shape(node.inputs[0]);
    return {{l->name + ".weight", {l->out, in.channels * in.size * in.size}}, {l->name + ".bias", {l->out}}};
  }
  return {};
}

std::vector<StateEntry> state_dictionary(const Architecture& net) {
  std::vector<StateEntry> all;
  for (const Node& node : net.nodes())
    for (StateEntry& entry : state_entries(net, node)) all.push_back(std::move(entry));
  return all;
}

int64_t parameters(const Architecture& net, const Node& node) {
  int64_t total = 0;
  for (const StateEntry& entry : state_entries(net, node)) total += entry.trained ? entry.numbers() : 0;
  return total;
}

int64_t parameters(const Architecture& net) {
  int64_t total = 0;
  for (const Node& node : net.nodes()) total += parameters(net, node);
  return total;
}

int64_t multiply_accumulates(const Architecture& net, const Node& node) {
  if (const auto* c = std::get_if<Convolution>(&node.operation)) {
    const int64_t side = node.shape.size;
    return side * side * c->out * inputs_per_filter(*c, net.shape(node.inputs[0])) * c->kernel * c->kernel;
  }
  if (std::holds_alternative<Linear>(node.operation))
    return state_entries(net, node)[0].numbers();  // each weight once
  return 0;
}

int64_t multiply_accumulates(const Architecture& net) {
  int64_t total = 0;
  for (const Node& node : net.nodes()) total += multiply_accumulates(net, node);
  return total;
}

}  // namespace alertbench::zoo
