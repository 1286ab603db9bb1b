#include <fmt/format.h>

#include "models/zoo/families.h"

namespace alertbench::zoo {

Architecture vgg16(bool batch_norm, int input_size, int classes) {
  Architecture net(3, input_size, classes);
  Value x = net.image();
  int index = 0;  // within torchvision's `features`, where ReLU and pooling have numbers too
  const auto conv = [&](int out) {
    Convolution c;
    c.name = fmt::format("features.{}", index);
    if (batch_norm) c.norm.name = fmt::format("features.{}", index + 1);
    index += batch_norm ? 3 : 2;
    c.out = out;
    c.kernel = 3;
    c.padding = around(1);
    c.bias = true;
    c.activation = Activation::relu;
    x = net.add(c, {x});
  };
  struct Group {
    int out, convolutions;
  };
  for (const Group& group : {Group{64, 2}, Group{128, 2}, Group{256, 3}, Group{512, 3}, Group{512, 3}}) {
    for (int i = 0; i < group.convolutions; ++i) {
      conv(group.out);
      if (i + 1 < group.convolutions) net.end_block();
    }
    x = net.add(MaxPool{2, 2}, {x});
    net.end_block();
    ++index;
  }
  x = net.add(AdaptivePool{7}, {x});
  x = net.add(Linear{"classifier.0", 4096, Activation::relu}, {x});
  net.end_block();
  x = net.add(Linear{"classifier.3", 4096, Activation::relu}, {x});
  net.end_block();
  net.add(Linear{"classifier.6", classes}, {x});
  net.finish();
  return net;
}

}  // namespace alertbench::zoo
