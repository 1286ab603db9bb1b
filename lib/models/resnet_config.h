// The shape of a (striped) residual network, as a network file states it. Needs no LibTorch.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace alertbench {

struct ResnetGroup {
  int blocks = 1;
  int width = 16;  // channels of a block's 3x3 convolutions, over all stripes
  int stride = 1;  // of the group's first block
};

struct ResnetConfig {
  int in_channels = 3;
  int classes = 1000;
  int input_size = 224;  // square images
  int stripes = 1;
  int stem_width = 64;
  int stem_kernel = 7;
  int stem_stride = 2;
  bool stem_pool = true;    // 3x3 max pooling of stride 2 after the stem
  bool bottleneck = false;  // 1x1, 3x3, 1x1 (4 * width out) instead of two 3x3
  std::vector<ResnetGroup> groups;

  // Throws InputError that names the key if a value is missing, unknown or inconsistent (for example, a width
  // that the stripes do not divide). The message begins with `where`, the file and network.
  static ResnetConfig from_json(const nlohmann::json& j, const std::string& where);

  // Counts weights, biases, and scale and shift of batch norms. Edges that the stripes omit count neither
  // here nor below.
  int64_t parameters() const;
  // Returns the operations for one image up to the end of each stage, in convolutions and heads, without
  // biases.
  std::vector<int64_t> multiply_accumulates() const;
};

}  // namespace alertbench
