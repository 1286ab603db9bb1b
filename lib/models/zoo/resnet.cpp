#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "models/zoo/families.h"

namespace alertbench::zoo {
namespace {

Value residual(Architecture& net, const std::string& name, Value in, int width, int out, int stride,
               bool bottleneck) {
  int number = 0;
  Value x = in;
  const auto conv = [&](int to, int kernel, int step, Activation activation) {
    ++number;
    x = net.add(same_conv(fmt::format("{}.conv{}", name, number), fmt::format("{}.bn{}", name, number), to,
                          kernel, step, activation),
                {x});
  };
  if (bottleneck) {
    conv(width, 1, 1, Activation::relu);
    conv(width, 3, stride, Activation::relu);
    conv(out, 1, 1, Activation::none);
  } else {
    conv(width, 3, stride, Activation::relu);
    conv(out, 3, 1, Activation::none);
  }
  Value shortcut = in;
  if (stride != 1 || net.shape(in).channels != out)
    shortcut = net.add(
        same_conv(name + ".downsample.0", name + ".downsample.1", out, 1, stride, Activation::none), {in});
  return net.add(Add{Activation::relu}, {x, shortcut});
}

std::array<int, 4> blocks_of(int depth) {
  switch (depth) {
    case 18:
      return {2, 2, 2, 2};
    case 34:
    case 50:
      return {3, 4, 6, 3};
    case 101:
      return {3, 4, 23, 3};
    case 152:
      return {3, 8, 36, 3};
  }
  throw InputError(fmt::format("unknown ResNet of {} layers; known: 18, 34, 50, 101 and 152", depth));
}

}  // namespace

Architecture resnet(int depth, int input_size, int classes) {
  const std::array<int, 4> groups = blocks_of(depth);
  const bool bottleneck = depth >= 50;
  Architecture net(3, input_size, classes);
  Value x = net.add(same_conv("conv1", "bn1", 64, 7, 2, Activation::relu), {net.image()});
  x = net.add(MaxPool{3, 2, 1}, {x});
  net.end_block();
  for (int g = 0; g < 4; ++g) {
    const int width = 64 << g, out = bottleneck ? 4 * width : width;
    for (int b = 0; b < groups[static_cast<size_t>(g)]; ++b) {
      const int stride = g > 0 && b == 0 ? 2 : 1;
      x = residual(net, fmt::format("layer{}.{}", g + 1, b), x, width, out, stride, bottleneck);
      net.end_block();
    }
  }
  x = net.add(AdaptivePool{1}, {x});
  net.add(Linear{"fc", classes}, {x});
  net.finish();
  return net;
}

}  // namespace alertbench::zoo
