#include <fmt/format.h>

#include "models/zoo/families.h"

namespace alertbench::zoo {

Architecture vgg16(bool batch_norm, int input_size, int classes) {
  Architecture net{3, input_size, classes, {}};
  int channels = 3,
      index = 0;  // index within torchvision's `features`, where ReLU and pooling have numbers too
  const auto conv = [&](int out) {
    Convolution c;
    c.name = fmt::format("features.{}", index);
    if (batch_norm) c.norm = fmt::format("features.{}", index + 1);
    index += batch_norm ? 3 : 2;
    c.in = channels;
    c.out = channels = out;
    c.kernel = 3;
    c.padding = 1;
    c.bias = true;
    c.activation = Activation::relu;
    net.blocks.push_back({{c}});
  };
  struct Group {
    int out, convolutions;
  };
  for (const Group& group : {Group{64, 2}, Group{128, 2}, Group{256, 3}, Group{512, 3}, Group{512, 3}}) {
    for (int i = 0; i < group.convolutions; ++i) conv(group.out);
    net.blocks.back().layers.push_back(MaxPool{2, 2});
    ++index;
  }
  net.blocks.push_back({{AveragePool{7}, Linear{"classifier.0", 512 * 7 * 7, 4096, Activation::relu}}});
  net.blocks.push_back({{Linear{"classifier.3", 4096, 4096, Activation::relu}}});
  net.blocks.push_back({{Linear{"classifier.6", 4096, classes}}});
  return net;
}

}  // namespace alertbench::zoo
