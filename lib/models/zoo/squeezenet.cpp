#include <fmt/format.h>

#include "models/zoo/families.h"

namespace alertbench::zoo {
namespace {

Convolution conv_relu(const std::string& name, int in, int out, int kernel, int stride, int padding) {
  Convolution c;
  c.name = name;
  c.in = in;
  c.out = out;
  c.kernel = kernel;
  c.stride = stride;
  c.padding = padding;
  c.bias = true;
  c.activation = Activation::relu;
  return c;
}

Block fire(const std::string& name, int in, int squeeze, int expand) {
  return {{conv_relu(name + ".squeeze", in, squeeze, 1, 1, 0)},
          Join::concatenate,
          {{conv_relu(name + ".expand1x1", squeeze, expand, 1, 1, 0)},
           {conv_relu(name + ".expand3x3", squeeze, expand, 3, 1, 1)}}};
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
  const MaxPool pool{3, 2, 0, true};
  Architecture net{3, input_size, classes, {}};
  int channels = minor == 0 ? 96 : 64;
  net.blocks.push_back({{conv_relu("features.0", 3, channels, minor == 0 ? 7 : 3, 2, 0)}});
  int index = 2;  // within torchvision's `features`, where ReLU and pooling have numbers too
  for (const Step& step : steps) {
    if (step.pool) ++index;
    Block block = fire(fmt::format("features.{}", index++), channels, step.squeeze, step.expand);
    if (step.pool) block.layers.insert(block.layers.begin(), pool);
    net.blocks.push_back(block);
    channels = 2 * step.expand;
  }
  net.blocks.push_back({{conv_relu("classifier.1", channels, classes, 1, 1, 0), AveragePool{1}}});
  return net;
}

}  // namespace alertbench::zoo
