// The zoo: image networks by name, and what is published of their accuracy. Needs no LibTorch.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/zoo/layers.h"

namespace alertbench {

struct ZooConfig {
  std::string network;  // a name from known_zoo_networks()
  double width = 1.0;   // for MobileNets: factor on the number of channels
  int input_size = 224;
  int classes = 1000;

  // { "network": "mobilenet-v2", "width": 0.5, "input_size": 160, "classes": 1000 }, where all keys but the
  // first are optional; without a size, it is the one that the network was published with. InputError names
  // the key; it is also thrown if the images are too small for the network.
  static ZooConfig from_json(const nlohmann::json& j, const std::string& where);
  zoo::Architecture architecture() const;
};

struct ZooNetwork {
  std::string name, family;
  bool has_width;
  int input_size;  // that it was published with
};
const std::vector<ZooNetwork>& known_zoo_networks();

struct PublishedAccuracy {
  double top1;  // 0..1, single central crop, 50,000 validation images of ImageNet (ILSVRC 2012)
  std::optional<double> top5;  // likewise; not all publish it
  std::string source;          // who published it, and for which weights
};
// Returns nullopt if no accuracy is published for this width and size.
std::optional<PublishedAccuracy> published_accuracy(const ZooConfig& config);

}  // namespace alertbench
