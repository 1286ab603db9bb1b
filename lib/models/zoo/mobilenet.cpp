#include <fmt/format.h>

#include <algorithm>

#include "models/zoo/families.h"

namespace alertbench::zoo {
namespace {

// To a multiple of 8, but never more than a tenth down: the rule of MobileNetV2.
int rounded(double channels) {
  const int nearest = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return nearest < 0.9 * channels ? nearest + 8 : nearest;
}

Block inverted_residual(const std::string& name, int in, int expansion, int out, int stride) {
  const int hidden = in * expansion;
  std::vector<Layer> body;
  int index = 0;  // within torchvision's `conv`: [expansion], depthwise, projection, its batch norm
  const auto inner = [&](int from, int kernel, int step, int groups) {
    const std::string unit = fmt::format("{}.conv.{}", name, index++);
    body.push_back(
        same_conv(unit + ".0", unit + ".1", from, hidden, kernel, step, Activation::relu6, groups));
  };
  if (expansion != 1) inner(in, 1, 1, 1);
  inner(hidden, 3, stride, hidden);
  body.push_back(same_conv(fmt::format("{}.conv.{}", name, index), fmt::format("{}.conv.{}", name, index + 1),
                           hidden, out, 1, 1, Activation::none));
  if (stride == 1 && in == out) return {{}, Join::add, {body, {}}};
  return {body};
}

}  // namespace

Architecture mobilenet_v1(double width, int input_size, int classes) {
  struct Step {
    int out, stride;
  };
  const Step steps[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                        {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
  const auto scaled = [width](int channels) { return std::max(8, static_cast<int>(channels * width)); };
  Architecture net{3, input_size, classes, {}};
  int channels = scaled(32), number = 0;
  net.blocks.push_back({{same_conv("conv1", "bn1", 3, channels, 3, 2, Activation::relu6)}});
  for (const Step& step : steps) {
    const std::string name = fmt::format("block{}.", ++number);
    const int out = scaled(step.out);
    net.blocks.push_back(
        {{same_conv(name + "depthwise", name + "bn1", channels, channels, 3, step.stride, Activation::relu6,
                    channels),
          same_conv(name + "pointwise", name + "bn2", channels, out, 1, 1, Activation::relu6)}});
    channels = out;
  }
  net.blocks.push_back({{AveragePool{1}, Linear{"fc", channels, classes}}});
  return net;
}

Architecture mobilenet_v2(double width, int input_size, int classes) {
  struct Group {
    int expansion, out, blocks, stride;
  };
  const Group groups[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                          {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  Architecture net{3, input_size, classes, {}};
  int channels = rounded(32 * width), index = 0;
  net.blocks.push_back({{same_conv("features.0.0", "features.0.1", 3, channels, 3, 2, Activation::relu6)}});
  for (const Group& group : groups) {
    const int out = rounded(group.out * width);
    for (int b = 0; b < group.blocks; ++b) {
      const std::string name = fmt::format("features.{}", ++index);
      net.blocks.push_back(
          inverted_residual(name, channels, group.expansion, out, b == 0 ? group.stride : 1));
      channels = out;
    }
  }
  const int last = rounded(1280 * std::max(1.0, width));
  const std::string name = fmt::format("features.{}", ++index);
  net.blocks.push_back({{same_conv(name + ".0", name + ".1", channels, last, 1, 1, Activation::relu6)}});
  net.blocks.push_back({{AveragePool{1}, Linear{"classifier.1", last, classes}}});
  return net;
}

}  // namespace alertbench::zoo
