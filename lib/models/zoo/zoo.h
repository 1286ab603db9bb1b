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
  double width = 1.0;   // of MobileNets: factor on the channels
  int input_size = 224;
  int classes = 1000;

  // { "network": "mobilenet-v2", "width": 0.5, "input_size": 160, "classes": 1000 }, all but the first
  // optional. InputError names the key; it is thrown, too, where the images are too small for the network.
  static ZooConfig from_json(const nlohmann::json& j, const std::string& where);
  zoo::Architecture architecture() const;
};

struct ZooNetwork {
  std::string name, family;
  bool has_width;
};
const std::vector<ZooNetwork>& known_zoo_networks();

struct PublishedAccuracy {
  double top1, top5;   // 0..1, single central crop, 50,000 validation images of ImageNet (ILSVRC 2012)
  std::string source;  // who published it, of which weights
};
// None where this width and size have no published figure.
std::optional<PublishedAccuracy> published_accuracy(const ZooConfig& config);

}  // namespace alertbench
