#include "models/resnet_config.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/json_reader.h"

namespace alertbench {

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
      throw InputError(fmt::format("{}: groups: width {} is not a multiple of stripes {}", where, g.width, c.stripes));
    c.groups.push_back(g);
  }
  r.finish();
  if (c.groups.empty()) throw InputError(where + ": groups: at least one group of residual blocks is needed");
  if (c.stem_width % c.stripes != 0)
    throw InputError(fmt::format("{}: stem_width {} is not a multiple of stripes {}", where, c.stem_width, c.stripes));
  return c;
}

}  // namespace alertbench
