#include <fmt/format.h>

#include <array>
#include <cmath>

#include "base/error.h"
#include "models/zoo/families.h"

namespace alertbench::zoo {
namespace {

Value mobile_block(Architecture& net, const std::string& name, Value in, int expansion, int kernel,
                   int stride, int out) {
  const int channels = net.shape(in).channels, hidden = channels * expansion;
  Value x = in;
  if (expansion != 1)
    x = net.add(same_conv(name + "._expand_conv", name + "._bn0", hidden, 1, 1, Activation::relu6), {x});
  Convolution depthwise =
      same_depthwise(name + "._depthwise_conv", name + "._bn1", hidden, kernel, stride, Activation::relu6);
  depthwise.padding = same_padding(net.shape(x).size, kernel, stride);
  x = net.add(depthwise, {x});
  x = net.add(same_conv(name + "._project_conv", name + "._bn2", out, 1, 1, Activation::none), {x});
  return stride == 1 && channels == out ? net.add(Add{}, {x, in}) : x;
}

}  // namespace

Architecture efficientnet_lite(int number, int input_size, int classes) {
  struct Scale {
    double width, depth;
  };
  constexpr std::array<Scale, 5> scales{{{1.0, 1.0}, {1.0, 1.1}, {1.1, 1.2}, {1.2, 1.4}, {1.4, 1.8}}};
  struct Group {
    int blocks, kernel, stride, expansion, out;
  };
  const std::array<Group, 7> groups{{{1, 3, 1, 1, 16},
                                     {2, 3, 2, 6, 24},
                                     {2, 5, 2, 6, 40},
                                     {3, 3, 2, 6, 80},
                                     {3, 5, 1, 6, 112},
                                     {4, 5, 2, 6, 192},
                                     {1, 3, 1, 6, 320}}};
  if (number < 0 || number > 4)
    throw InputError(fmt::format("unknown EfficientNet-Lite{}; known: 0 to 4", number));
  const Scale scale = scales[static_cast<size_t>(number)];
  Architecture net(3, input_size, classes, 1e-3);
  Convolution stem = same_conv("_conv_stem", "_bn0", 32, 3, 2, Activation::relu6);
  stem.padding = same_padding(input_size, 3, 2);
  Value x = net.add(stem, {net.image()});
  net.end_block();
  int block = 0;
  for (const Group& group : groups) {
    const bool fixed = &group == &groups.front() || &group == &groups.back();
    const int blocks = fixed ? group.blocks : static_cast<int>(std::ceil(scale.depth * group.blocks));
    for (int b = 0; b < blocks; ++b) {
      x = mobile_block(net, fmt::format("_blocks.{}", block++), x, group.expansion, group.kernel,
                       b == 0 ? group.stride : 1, rounded_channels(scale.width * group.out));
      net.end_block();
    }
  }
  x = net.add(same_conv("_conv_head", "_bn1", 1280, 1, 1, Activation::relu6), {x});
  net.end_block();
  x = net.add(AdaptivePool{1}, {x});
  net.add(Linear{"_fc", classes}, {x});
  net.finish();
  return net;
}

}  // namespace alertbench::zoo
