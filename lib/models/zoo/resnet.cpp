#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "models/zoo/families.h"

namespace alertbench::zoo {
namespace {

Block residual(const std::string& name, int in, int width, int out, int stride, bool bottleneck) {
  const auto conv = [&name](int number, int from, int to, int kernel, int step, Activation activation) {
    return same_conv(fmt::format("{}.conv{}", name, number), fmt::format("{}.bn{}", name, number), from, to,
                     kernel, step, activation);
  };
  std::vector<Layer> body, shortcut;  // no layers: the input as it is
  if (bottleneck)
    body = {conv(1, in, width, 1, 1, Activation::relu), conv(2, width, width, 3, stride, Activation::relu),
            conv(3, width, out, 1, 1, Activation::none)};
  else
    body = {conv(1, in, width, 3, stride, Activation::relu), conv(2, width, out, 3, 1, Activation::none)};
  if (stride != 1 || in != out)
    shortcut = {
        same_conv(name + ".downsample.0", name + ".downsample.1", in, out, 1, stride, Activation::none)};
  return {{}, Join::add, {body, shortcut}, Activation::relu};
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
  Architecture net{3, input_size, classes, {}};
  net.blocks.push_back({{same_conv("conv1", "bn1", 3, 64, 7, 2, Activation::relu), MaxPool{3, 2, 1}}});
  int channels = 64;
  for (int g = 0; g < 4; ++g) {
    const int width = 64 << g, out = bottleneck ? 4 * width : width;
    for (int b = 0; b < groups[static_cast<size_t>(g)]; ++b) {
      const int stride = g > 0 && b == 0 ? 2 : 1;
      net.blocks.push_back(
          residual(fmt::format("layer{}.{}", g + 1, b), channels, width, out, stride, bottleneck));
      channels = out;
    }
  }
  net.blocks.push_back({{AveragePool{1}, Linear{"fc", channels, classes}}});
  return net;
}

}  // namespace alertbench::zoo
