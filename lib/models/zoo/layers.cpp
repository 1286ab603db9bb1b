#include "models/zoo/layers.h"

#include <fmt/format.h>

#include "base/error.h"

namespace alertbench::zoo {
namespace {

int windows(const char* what, int size, int kernel, int stride, int padding, bool ceil) {
  const int room = size + 2 * padding - kernel;
  if (room < 0)
    throw InputError(
        fmt::format("an image of {0}x{0} is too small here for {1} of {2}x{2}; use a larger input_size", size,
                    what, kernel));
  int count = (room + (ceil ? stride - 1 : 0)) / stride + 1;
  if (ceil && (count - 1) * stride >= size + padding) --count;  // a window must begin inside the image
  return count;
}

void need_channels(const std::string& name, int wanted, int found) {
  if (wanted != found)
    throw InputError(fmt::format("{}: made for {} inputs, but gets {}", name, wanted, found));
}

Shape output_of(const Convolution& c, const Shape& in) {
  need_channels(c.name, c.in, in.channels);
  return {c.out, windows("a convolution", in.size, c.kernel, c.stride, c.padding, false)};
}
Shape output_of(const MaxPool& p, const Shape& in) {
  return {in.channels, windows("a pooling", in.size, p.kernel, p.stride, p.padding, p.ceil)};
}
Shape output_of(const AveragePool& p, const Shape& in) { return {in.channels, p.size}; }
Shape output_of(const Linear& l, const Shape& in) {
  need_channels(l.name, l.in, in.channels * in.size * in.size);
  return {l.out, 1};
}

using Visit = std::function<void(const Layer&, const Shape&)>;

Shape run(const std::vector<Layer>& layers, Shape shape, const Visit& visit) {
  for (const Layer& layer : layers) {
    const Shape out = output_shape(layer, shape);
    visit(layer, shape);
    shape = out;
  }
  return shape;
}

Shape run(const Block& block, const Shape& in, const Visit& visit) {
  const Shape shared = run(block.layers, in, visit);
  if (block.join == Join::none) return shared;
  if (block.branches.empty() || (block.join == Join::add && block.branches[0].empty()))
    throw InputError("the first branch of a block has no layers");
  Shape joined;
  for (size_t b = 0; b < block.branches.size(); ++b) {
    const Shape out = run(block.branches[b], shared, visit);
    if (b > 0 && (out.size != joined.size || (block.join == Join::add && out.channels != joined.channels)))
      throw InputError(fmt::format("branches of {0}x{1}x{1} and {2}x{3}x{3} cannot be joined",
                                   joined.channels, joined.size, out.channels, out.size));
    joined.channels = block.join == Join::concatenate ? joined.channels + out.channels : out.channels;
    joined.size = out.size;
  }
  return joined;
}

int64_t cost(const Layer& layer, const Shape& in) {
  if (const auto* c = std::get_if<Convolution>(&layer)) {
    const int64_t side = output_of(*c, in).size;
    return side * side * c->out * (c->in / c->groups) * c->kernel * c->kernel;
  }
  if (const auto* l = std::get_if<Linear>(&layer)) return int64_t{l->in} * l->out;
  return 0;
}

}  // namespace

Convolution same_conv(const std::string& name, const std::string& norm, int in, int out, int kernel,
                      int stride, Activation activation, int groups) {
  Convolution c;
  c.name = name;
  c.norm = norm;
  c.in = in;
  c.out = out;
  c.kernel = kernel;
  c.stride = stride;
  c.padding = kernel / 2;
  c.groups = groups;
  c.activation = activation;
  return c;
}

Shape output_shape(const Layer& layer, const Shape& in) {
  return std::visit([&in](const auto& l) { return output_of(l, in); }, layer);
}

void for_each_layer(const Architecture& net, const Visit& visit) {
  Shape shape{net.channels, net.input_size};
  for (const Block& block : net.blocks) shape = run(block, shape, visit);
  need_channels("the scores", net.classes, shape.channels * shape.size * shape.size);
}

int64_t StateEntry::numbers() const {
  int64_t n = 1;
  for (const int64_t side : shape) n *= side;
  return n;
}

std::vector<StateEntry> state_entries(const Layer& layer) {
  if (const auto* c = std::get_if<Convolution>(&layer)) {
    std::vector<StateEntry> all{{c->name + ".weight", {c->out, c->in / c->groups, c->kernel, c->kernel}}};
    if (c->bias) all.push_back({c->name + ".bias", {c->out}});
    if (c->norm.empty()) return all;
    all.push_back({c->norm + ".weight", {c->out}});
    all.push_back({c->norm + ".bias", {c->out}});
    all.push_back({c->norm + ".running_mean", {c->out}, false});
    all.push_back({c->norm + ".running_var", {c->out}, false});
    return all;
  }
  if (const auto* l = std::get_if<Linear>(&layer))
    return {{l->name + ".weight", {l->out, l->in}}, {l->name + ".bias", {l->out}}};
  return {};
}

std::vector<StateEntry> state_dictionary(const Architecture& net) {
  std::vector<StateEntry> all;
  for_each_layer(net, [&all](const Layer& layer, const Shape&) {
    for (StateEntry& entry : state_entries(layer)) all.push_back(std::move(entry));
  });
  return all;
}

int64_t parameters(const Architecture& net) {
  int64_t total = 0;
  for (const StateEntry& entry : state_dictionary(net)) total += entry.trained ? entry.numbers() : 0;
  return total;
}

int64_t multiply_accumulates(const Architecture& net) {
  int64_t total = 0;
  for_each_layer(net, [&total](const Layer& layer, const Shape& in) { total += cost(layer, in); });
  return total;
}

}  // namespace alertbench::zoo
