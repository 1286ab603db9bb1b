#include <fmt/format.h>

#include "models/zoo/families.h"

namespace alertbench::zoo {
namespace {

// Both networks: every ReLU comes before its convolution, and paddings are TensorFlow's.
constexpr double nas_epsilon = 1e-3;

int channels_of(const Architecture& net, Value x) { return net.shape(x).channels; }

Value conv_norm(Architecture& net, const std::string& name, const std::string& norm, Value x, int out,
                int stride = 1) {
  return net.add(same_conv(name, norm, out, 1, stride, Activation::none), {x});
}

Value relu_conv(Architecture& net, const std::string& name, Value x, int out, int stride = 1) {
  return conv_norm(net, name + ".conv", name + ".bn", net.relu(x), out, stride);
}

// A ReLU, and two depthwise-separable convolutions with another between them.
Value separable(Architecture& net, const std::string& name, Value x, int kernel, int stride, int out) {
  x = net.relu(x);
  for (const int half : {1, 2}) {
    const std::string part = fmt::format("{}.separable_{}", name, half);
    Convolution depthwise = same_depthwise(part + ".depthwise_conv2d", "", channels_of(net, x), kernel,
                                           half == 1 ? stride : 1, Activation::none);
    depthwise.padding = same_padding(net.shape(x).size, kernel, depthwise.stride);
    x = net.add(depthwise, {x});
    x = net.add(same_conv(part + ".pointwise_conv2d", fmt::format("{}.bn_sep_{}", name, half), out, 1, 1,
                          half == 1 ? Activation::relu : Activation::none),
                {x});
  }
  return x;
}

template <class Pool>
Value pool_3x3(Architecture& net, Value x, int stride) {
  const Padding p = same_padding(net.shape(x).size, 3, stride);
  return net.add(Pool{3, stride, p.before, p.after > p.before}, {x});
}

// Half the size: every second pixel, and every second from the next row and column on.
Value factorized_reduction(Architecture& net, const std::string& name, Value x, int out) {
  x = net.relu(x);
  std::vector<Value> paths;
  for (const int path : {1, 2}) {
    Convolution c = same_conv(fmt::format("{}.path_{}.conv", name, path), name + ".final_path_bn", out / 2, 1,
                              2, Activation::none);
    if (path == 2) c.padding = {-1, 1};
    c.norm.first = path == 1 ? 0 : out / 2;
    c.norm.channels = out;
    paths.push_back(net.add(c, {x}));
  }
  return net.add(Concatenate{}, paths);
}

Value first_conv(Architecture& net, const std::string& name) {
  Convolution c = same_conv(name + ".conv", name + ".bn", 96, 3, 2, Activation::none);
  c.padding = {};
  return net.add(c, {net.image()});
}

void classify(Architecture& net, Value x, int classes) {
  const Value pooled = net.add(AdaptivePool{1}, {net.relu(x)});
  net.add(Linear{"last_linear", classes}, {pooled});
  net.finish();
}

Value sum(Architecture& net, Value a, Value b) { return net.add(Add{}, {a, b}); }

// Stem and reduction cells of NASNet-A: `a` from the previous cell, `b` from the one before, or the image.
Value nasnet_reduction(Architecture& net, const std::string& name, Value a, Value b, int width) {
  const auto sep = [&](const char* part, Value x, int kernel, int stride) {
    return separable(net, name + ".comb_iter_" + part, x, kernel, stride, width);
  };
  const Value s0 = sum(net, sep("0_left", a, 5, 2), sep("0_right", b, 7, 2));
  const Value largest = pool_3x3<MaxPool>(net, a, 2);
  const Value s1 = sum(net, largest, sep("1_right", b, 7, 2));
  const Value s2 = sum(net, pool_3x3<AveragePool>(net, a, 2), sep("2_right", b, 5, 2));
  const Value s3 = sum(net, pool_3x3<AveragePool>(net, s0, 1), s1);
  const Value s4 = sum(net, sep("4_left", s0, 3, 1), largest);
  return net.add(Concatenate{}, {s1, s2, s3, s4});
}

Value nasnet_normal(Architecture& net, const std::string& name, Value right, Value left, int width) {
  const auto sep = [&](const char* part, Value x, int kernel) {
    return separable(net, name + ".comb_iter_" + part, x, kernel, 1, width);
  };
  const Value s0 = sum(net, sep("0_left", right, 5), sep("0_right", left, 3));
  const Value s1 = sum(net, sep("1_left", left, 5), sep("1_right", left, 3));
  const Value s2 = sum(net, pool_3x3<AveragePool>(net, right, 1), left);
  const Value mean = pool_3x3<AveragePool>(net, left, 1), s3 = sum(net, mean, mean);
  const Value s4 = sum(net, sep("4_left", right, 3), right);
  return net.add(Concatenate{}, {left, s0, s1, s2, s3, s4});
}

// All cells of PNASNet-5. `left_pooled` is added to the first separable convolution.
Value pnasnet_cell(Architecture& net, const std::string& name, Value left, Value right, Value left_pooled,
                   int width, int stride) {
  const auto sep = [&](const char* part, Value x, int kernel, int step) {
    return separable(net, name + ".comb_iter_" + part, x, kernel, step, width);
  };
  const Value s0 = sum(net, sep("0_left", left, 5, stride), left_pooled);
  const Value largest = pool_3x3<MaxPool>(net, right, stride);
  const Value s1 = sum(net, sep("1_left", right, 7, stride), largest);
  const Value s2 = sum(net, sep("2_left", right, 5, stride), sep("2_right", right, 3, stride));
  const Value s3 = sum(net, sep("3_left", s2, 3, 1), largest);
  const Value s4 = sum(net, sep("4_left", left, 3, stride),
                       stride == 1 ? right : relu_conv(net, name + ".comb_iter_4_right", right, width, 2));
  return net.add(Concatenate{}, {s0, s1, s2, s3, s4});
}

}  // namespace

Architecture nasnet_a_large(int input_size, int classes) {
  Architecture net(3, input_size, classes, nas_epsilon);
  const Value first = first_conv(net, "conv0");
  net.end_block();
  Value before =
      nasnet_reduction(net, "cell_stem_0", relu_conv(net, "cell_stem_0.conv_1x1", first, 42), first, 42);
  net.end_block();
  Value x = relu_conv(net, "cell_stem_1.conv_1x1", before, 84);
  x = nasnet_reduction(net, "cell_stem_1", x, factorized_reduction(net, "cell_stem_1", first, 84), 84);
  net.end_block();
  int number = 0;
  for (const int group : {0, 1, 2}) {
    const int width = 168 << group;
    if (group > 0) {  // the cell behind it takes the same `before`
      const std::string name = fmt::format("reduction_cell_{}", group - 1);
      const Value a = relu_conv(net, name + ".conv_1x1", x, width);
      x = nasnet_reduction(net, name, a, relu_conv(net, name + ".conv_prev_1x1", before, width), width);
      net.end_block();
    }
    for (int cell = 0; cell < 6; ++cell) {
      const std::string name = fmt::format("cell_{}", number++);
      const Value left = cell == 0 ? factorized_reduction(net, name, before, width)
                                   : relu_conv(net, name + ".conv_prev_1x1", before, width);
      before = x;
      x = nasnet_normal(net, name, relu_conv(net, name + ".conv_1x1", x, width), left, width);
      net.end_block();
    }
  }
  classify(net, x, classes);
  return net;
}

Architecture pnasnet_5_large(int input_size, int classes) {
  Architecture net(3, input_size, classes, nas_epsilon);
  Value before = first_conv(net, "conv_0");
  net.end_block();
  Value right = relu_conv(net, "cell_stem_0.conv_1x1", before, 54);
  const Value pooled = conv_norm(net, "cell_stem_0.comb_iter_0_right.conv",
                                 "cell_stem_0.comb_iter_0_right.bn", pool_3x3<MaxPool>(net, before, 2), 54);
  Value x = pnasnet_cell(net, "cell_stem_0", before, right, pooled, 54, 2);
  net.end_block();
  const auto cell = [&](const std::string& name, int width, int stride) {
    const std::string left_name = name + ".conv_prev_1x1";
    const Value left = net.shape(before).size > net.shape(x).size
                           ? factorized_reduction(net, left_name, before, width)
                           : relu_conv(net, left_name, before, width);
    right = relu_conv(net, name + ".conv_1x1", x, width);
    before = x;
    x = pnasnet_cell(net, name, left, right, pool_3x3<MaxPool>(net, left, stride), width, stride);
    net.end_block();
  };
  cell("cell_stem_1", 108, 2);
  for (int number = 0; number < 12; ++number)
    cell(fmt::format("cell_{}", number), 216 << number / 4, number == 4 || number == 8 ? 2 : 1);
  classify(net, x, classes);
  return net;
}

}  // namespace alertbench::zoo
