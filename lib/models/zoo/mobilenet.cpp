#include <fmt/format.h>

#include <algorithm>

#include "models/zoo/families.h"

namespace alertbench::zoo {
namespace {

Value inverted_residual(Architecture& net, const std::string& name, Value in, int expansion, int out,
                        int stride) {
  const int channels = net.shape(in).channels, hidden = channels * expansion;
  Value x = in;
  int index = 0;  // within torchvision's `conv`: [expansion], depthwise, projection, its batch norm
  const auto unit = [&] { return fmt::format("{}.conv.{}", name, index++); };
  if (expansion != 1) {
    const std::string expand = unit();
    x = net.add(same_conv(expand + ".0", expand + ".1", hidden, 1, 1, Activation::relu6), {x});
  }
  const std::string depthwise = unit();
  x = net.add(same_depthwise(depthwise + ".0", depthwise + ".1", hidden, 3, stride, Activation::relu6), {x});
  const std::string project = unit(), norm = unit();
  x = net.add(same_conv(project, norm, out, 1, 1, Activation::none), {x});
  return stride == 1 && channels == out ? net.add(Add{}, {x, in}) : x;
}

}  // namespace

int rounded_channels(double channels) {
  const int nearest = std::max(8, static_cast<int>(channels + 4) / 8 * 8);
  return nearest < 0.9 * channels ? nearest + 8 : nearest;
}

Architecture mobilenet_v1(double width, int input_size, int classes) {
  struct Step {
    int out, stride;
  };
  const Step steps[] = {{64, 1},  {128, 2}, {128, 1}, {256, 2}, {256, 1},  {512, 2}, {512, 1},
                        {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1}};
  const auto scaled = [width](int channels) { return std::max(8, static_cast<int>(channels * width)); };
  Architecture net(3, input_size, classes);
  Value x = net.add(same_conv("conv1", "bn1", scaled(32), 3, 2, Activation::relu6), {net.image()});
  net.end_block();
  int number = 0;
  for (const Step& step : steps) {
    const std::string name = fmt::format("block{}.", ++number);
    x = net.add(same_depthwise(name + "depthwise", name + "bn1", net.shape(x).channels, 3, step.stride,
                               Activation::relu6),
                {x});
    x = net.add(same_conv(name + "pointwise", name + "bn2", scaled(step.out), 1, 1, Activation::relu6), {x});
    net.end_block();
  }
  x = net.add(AdaptivePool{1}, {x});
  net.add(Linear{"fc", classes}, {x});
  net.finish();
  return net;
}

Architecture mobilenet_v2(double width, int input_size, int classes) {
  struct Group {
    int expansion, out, blocks, stride;
  };
  const Group groups[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                          {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
  Architecture net(3, input_size, classes);
  Value x = net.add(
      same_conv("features.0.0", "features.0.1", rounded_channels(32 * width), 3, 2, Activation::relu6),
      {net.image()});
  net.end_block();
  int index = 0;
  for (const Group& group : groups)
    for (int b = 0; b < group.blocks; ++b) {
      x = inverted_residual(net, fmt::format("features.{}", ++index), x, group.expansion,
                            rounded_channels(group.out * width), b == 0 ? group.stride : 1);
      net.end_block();
    }
  const int last = rounded_channels(1280 * std::max(1.0, width));
  const std::string name = fmt::format("features.{}", ++index);
  x = net.add(same_conv(name + ".0", name + ".1", last, 1, 1, Activation::relu6), {x});
  net.end_block();
  x = net.add(AdaptivePool{1}, {x});
  net.add(Linear{"classifier.1", classes}, {x});
  net.finish();
  return net;
}

}  // namespace alertbench::zoo
