#include "models/resnet_config.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/json_reader.h"

namespace alertbench {
namespace {

struct Conv {
  int64_t in, out, kernel;
  int64_t side;       // of its output
  bool shared_input;  // every stripe reads all of it
};

std::vector<Conv> convolutions(const ResnetConfig& c) {
  std::vector<Conv> all;
  const auto shrunk = [](int64_t side, int stride) { return (side + stride - 1) / stride; };
  int64_t side = shrunk(c.input_size, c.stem_stride), channels = c.stem_width;
  all.push_back({c.in_channels, channels, c.stem_kernel, side, true});
  if (c.stem_pool) side = shrunk(side, 2);
  for (const ResnetGroup& group : c.groups)
    for (int b = 0; b < group.blocks; ++b) {
      const int stride = b == 0 ? group.stride : 1;
      const int64_t width = group.width, out = c.bottleneck ? 4 * width : width, before = side;
      side = shrunk(side, stride);
      if (c.bottleneck) {
        all.push_back({channels, width, 1, before, false});
        all.push_back({width, width, 3, side, false});
        all.push_back({width, out, 1, side, false});
      } else {
        all.push_back({channels, width, 3, side, false});
        all.push_back({width, out, 3, side, false});
      }
      if (stride != 1 || channels != out) all.push_back({channels, out, 1, side, false});
      channels = out;
    }
  return all;
}

// Weights of the rows that stripe s (0-based) has.
int64_t weights(const Conv& conv, int stripes, int s) {
  const int64_t inputs = conv.shared_input ? conv.in : conv.in / stripes * (s + 1);
  return conv.out / stripes * inputs * conv.kernel * conv.kernel;
}

int64_t head_inputs(const std::vector<Conv>& convs, int stripes, int s) {
  return convs.back().out / stripes * (s + 1);
}

}  // namespace

int64_t ResnetConfig::parameters() const {
  const std::vector<Conv> convs = convolutions(*this);
  int64_t total = 0;
  for (const Conv& conv : convs) total += 2 * conv.out;
  for (int s = 0; s < stripes; ++s) {
    for (const Conv& conv : convs) total += weights(conv, stripes, s);
    total += (head_inputs(convs, stripes, s) + 1) * classes;
  }
  return total;
}

std::vector<int64_t> ResnetConfig::multiply_accumulates() const {
  const std::vector<Conv> convs = convolutions(*this);
  std::vector<int64_t> by_stage;
  int64_t total = 0;
  for (int s = 0; s < stripes; ++s) {
    for (const Conv& conv : convs) total += weights(conv, stripes, s) * conv.side * conv.side;
    total += head_inputs(convs, stripes, s) * classes;
    by_stage.push_back(total);
  }
  return by_stage;
}

ResnetConfig ResnetConfig::from_json(const nlohmann::json& j, const std::string& where) {
  ResnetConfig c;
  JsonReader r(j, where);
  c.in_channels = r.integer("in_channels", c.in_channels, 1, 16);
  c.classes = r.integer("classes", c.classes, 2, 100000);
  c.input_size = r.integer("input_size", c.input_size, 8, 1024);
  c.stripes = r.integer("stripes", c.stripes, 1, 64);
  c.stem_width = r.integer("stem_width", c.stem_width, 1, 4096);
  c.stem_kernel = r.integer("stem_kernel", c.stem_kernel, 1, 15);
  c.stem_stride = r.integer("stem_stride", c.stem_stride, 1, 8);
  c.stem_pool = r.boolean("stem_pool", c.stem_pool);
  c.bottleneck = r.boolean("bottleneck", c.bottleneck);
  for (auto& group : r.objects("groups")) {
    ResnetGroup g;
    g.blocks = group.integer("blocks", g.blocks, 1, 200);
    g.width = group.integer("width", g.width, 1, 4096);
    g.stride = group.integer("stride", g.stride, 1, 4);
    group.finish();
    if (g.width % c.stripes != 0)
      throw InputError(
          fmt::format("{}: groups: width {} is not a multiple of stripes {}", where, g.width, c.stripes));
    c.groups.push_back(g);
  }
  r.finish();
  if (c.groups.empty())
    throw InputError(where + ": groups: is empty; add at least one group of residual blocks");
  if (c.stem_width % c.stripes != 0)
    throw InputError(
        fmt::format("{}: stem_width {} is not a multiple of stripes {}", where, c.stem_width, c.stripes));
  return c;
}

}  // namespace alertbench
