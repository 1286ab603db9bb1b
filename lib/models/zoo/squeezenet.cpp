#include <fmt/format.h>

#include "models/zoo/families.h"

namespace alertbench::zoo {
namespace {

Convolution conv_relu(const std::string& name, int out, int kernel, int stride, int padding) {
  Convolution c;
  c.name = name;
  c.out = out;
  c.kernel = kernel;
  c.stride = stride;
  c.padding = around(padding);
  c.bias = true;
  c.activation = Activation::relu;
  return c;
}

Value fire(Architecture& net, const std::string& name, Value x, int squeeze, int expand) {
  const Value squeezed = net.add(conv_relu(name + ".squeeze", squeeze, 1, 1, 0), {x});
  return net.add(Concatenate{}, {net.add(conv_relu(name + ".expand1x1", expand, 1, 1, 0), {squeezed}),
                                 net.add(conv_relu(name + ".expand3x3", expand, 3, 1, 1), {squeezed})});
}

}  // namespace

Architecture squeezenet(int minor, int input_size, int classes) {
  struct Step {
    int squeeze, expand;
    bool pool;  // in front of it
  };
  const std::vector<Step> steps =
      minor == 0 ? std::vector<Step>{{16, 64, true},   {16, 64, false},  {32, 128, false}, {32, 128, true},
                                     {48, 192, false}, {48, 192, false}, {64, 256, false}, {64, 256, true}}
                 : std::vector<Step>{{16, 64, true},  {16, 64, false},  {32, 128, true},  {32, 128, false},
                                     {48, 192, true}, {48, 192, false}, {64, 256, false}, {64, 256, false}};
  Architecture net(3, input_size, classes);
  Value x = net.add(conv_relu("features.0", minor == 0 ? 96 : 64, minor == 0 ? 7 : 3, 2, 0), {net.image()});
  net.end_block();
  int index = 2;  // within torchvision's `features`, where ReLU and pooling have numbers too
  for (const Step& step : steps) {
    if (step.pool) {
      x = net.add(MaxPool{3, 2, 0, true}, {x});
      ++index;
    }
    x = fire(net, fmt::format("features.{}", index++), x, step.squeeze, step.expand);
    net.end_block();
  }
  x = net.add(conv_relu("classifier.1", classes, 1, 1, 0), {x});
  net.add(AdaptivePool{1}, {x});
  net.finish();
  return net;
}

}  // namespace alertbench::zoo
