#include "models/zoo/zoo.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_reader.h"
#include "models/zoo/families.h"

namespace alertbench {
namespace {

struct Entry {
  ZooNetwork network;
  zoo::Architecture (*build)(const ZooConfig&);
};

const std::vector<Entry>& entries() {
  static const std::vector<Entry> all{
      {{"resnet-18", "resnet", false, 224},
       [](const ZooConfig& c) { return zoo::resnet(18, c.input_size, c.classes); }},
      {{"resnet-34", "resnet", false, 224},
       [](const ZooConfig& c) { return zoo::resnet(34, c.input_size, c.classes); }},
      {{"resnet-50", "resnet", false, 224},
       [](const ZooConfig& c) { return zoo::resnet(50, c.input_size, c.classes); }},
      {{"resnet-101", "resnet", false, 224},
       [](const ZooConfig& c) { return zoo::resnet(101, c.input_size, c.classes); }},
      {{"resnet-152", "resnet", false, 224},
       [](const ZooConfig& c) { return zoo::resnet(152, c.input_size, c.classes); }},
      {{"vgg-16", "vgg", false, 224},
       [](const ZooConfig& c) { return zoo::vgg16(false, c.input_size, c.classes); }},
      {{"vgg-16-bn", "vgg", false, 224},
       [](const ZooConfig& c) { return zoo::vgg16(true, c.input_size, c.classes); }},
      {{"mobilenet-v1", "mobilenet", true, 224},
       [](const ZooConfig& c) { return zoo::mobilenet_v1(c.width, c.input_size, c.classes); }},
      {{"mobilenet-v2", "mobilenet", true, 224},
       [](const ZooConfig& c) { return zoo::mobilenet_v2(c.width, c.input_size, c.classes); }},
      {{"squeezenet-1.0", "squeezenet", false, 224},
       [](const ZooConfig& c) { return zoo::squeezenet(0, c.input_size, c.classes); }},
      {{"squeezenet-1.1", "squeezenet", false, 224},
       [](const ZooConfig& c) { return zoo::squeezenet(1, c.input_size, c.classes); }},
      {{"efficientnet-lite0", "efficientnet", false, 224},
       [](const ZooConfig& c) { return zoo::efficientnet_lite(0, c.input_size, c.classes); }},
      {{"efficientnet-lite1", "efficientnet", false, 240},
       [](const ZooConfig& c) { return zoo::efficientnet_lite(1, c.input_size, c.classes); }},
      {{"efficientnet-lite2", "efficientnet", false, 260},
       [](const ZooConfig& c) { return zoo::efficientnet_lite(2, c.input_size, c.classes); }},
      {{"efficientnet-lite3", "efficientnet", false, 280},
       [](const ZooConfig& c) { return zoo::efficientnet_lite(3, c.input_size, c.classes); }},
      {{"efficientnet-lite4", "efficientnet", false, 300},
       [](const ZooConfig& c) { return zoo::efficientnet_lite(4, c.input_size, c.classes); }},
      {{"nasnet-a-large", "nasnet", false, 331},
       [](const ZooConfig& c) { return zoo::nasnet_a_large(c.input_size, c.classes); }},
      {{"pnasnet-5-large", "nasnet", false, 331},
       [](const ZooConfig& c) { return zoo::pnasnet_5_large(c.input_size, c.classes); }},
  };
  return all;
}

const Entry& entry_of(const std::string& name) {
  for (const Entry& e : entries())
    if (e.network.name == name) return e;
  throw InputError(fmt::format("no network \"{}\" in the zoo", name));
}

struct Figure {
  const char* network;
  double width;
  int input_size;
  double top1, top5;  // percent, as printed; 0: not published
};

// Of MobileNets and EfficientNets the TensorFlow checkpoints; of NASNets their papers; of the rest
// torchvision's first weights (IMAGENET1K_V1).
constexpr Figure figures[] = {
    {"resnet-18", 1, 224, 69.758, 89.078},      {"resnet-34", 1, 224, 73.314, 91.420},
    {"resnet-50", 1, 224, 76.130, 92.862},      {"resnet-101", 1, 224, 77.374, 93.546},
    {"resnet-152", 1, 224, 78.312, 94.046},     {"vgg-16", 1, 224, 71.592, 90.382},
    {"vgg-16-bn", 1, 224, 73.360, 91.516},      {"squeezenet-1.0", 1, 224, 58.092, 80.420},
    {"squeezenet-1.1", 1, 224, 58.178, 80.624},

    {"mobilenet-v1", 1, 224, 70.9, 89.9},       {"mobilenet-v1", 1, 192, 70.0, 89.2},
    {"mobilenet-v1", 1, 160, 68.0, 87.7},       {"mobilenet-v1", 1, 128, 65.2, 85.8},
    {"mobilenet-v1", 0.75, 224, 68.4, 88.2},    {"mobilenet-v1", 0.75, 192, 67.2, 87.3},
    {"mobilenet-v1", 0.75, 160, 65.3, 86.0},    {"mobilenet-v1", 0.75, 128, 62.1, 83.9},
    {"mobilenet-v1", 0.5, 224, 63.3, 84.9},     {"mobilenet-v1", 0.5, 192, 61.7, 83.6},
    {"mobilenet-v1", 0.5, 160, 59.1, 81.9},     {"mobilenet-v1", 0.5, 128, 56.3, 79.4},
    {"mobilenet-v1", 0.25, 224, 49.8, 74.2},    {"mobilenet-v1", 0.25, 192, 47.7, 72.3},
    {"mobilenet-v1", 0.25, 160, 45.5, 70.3},    {"mobilenet-v1", 0.25, 128, 41.5, 66.3},

    {"mobilenet-v2", 1.4, 224, 75.0, 92.5},     {"mobilenet-v2", 1.3, 224, 74.4, 92.1},
    {"mobilenet-v2", 1, 224, 71.8, 91.0},       {"mobilenet-v2", 1, 192, 70.7, 90.1},
    {"mobilenet-v2", 1, 160, 68.8, 89.0},       {"mobilenet-v2", 1, 128, 65.3, 86.9},
    {"mobilenet-v2", 1, 96, 60.3, 83.2},        {"mobilenet-v2", 0.75, 224, 69.8, 89.6},
    {"mobilenet-v2", 0.75, 192, 68.7, 88.9},    {"mobilenet-v2", 0.75, 160, 66.4, 87.3},
    {"mobilenet-v2", 0.75, 128, 63.2, 85.3},    {"mobilenet-v2", 0.75, 96, 58.8, 81.6},
    {"mobilenet-v2", 0.5, 224, 65.4, 86.4},     {"mobilenet-v2", 0.5, 192, 63.9, 85.4},
    {"mobilenet-v2", 0.5, 160, 61.0, 83.2},     {"mobilenet-v2", 0.5, 128, 57.7, 80.8},
    {"mobilenet-v2", 0.5, 96, 51.2, 75.8},      {"mobilenet-v2", 0.35, 224, 60.3, 82.9},
    {"mobilenet-v2", 0.35, 192, 58.2, 81.2},    {"mobilenet-v2", 0.35, 160, 55.7, 79.1},
    {"mobilenet-v2", 0.35, 128, 50.8, 75.0},    {"mobilenet-v2", 0.35, 96, 45.5, 70.4},

    {"efficientnet-lite0", 1, 224, 75.1, 0},    {"efficientnet-lite1", 1, 240, 76.7, 0},
    {"efficientnet-lite2", 1, 260, 77.6, 0},    {"efficientnet-lite3", 1, 280, 79.8, 0},
    {"efficientnet-lite4", 1, 300, 81.5, 0},

    {"nasnet-a-large", 1, 331, 82.7, 96.2},     {"pnasnet-5-large", 1, 331, 82.9, 96.2},
};

std::string source_of(const std::string& network) {
  const std::string data = "ImageNet validation set, 50,000 images: ";
  if (network == "mobilenet-v1")
    return data +
           "TensorFlow's checkpoint mobilenet_v1_2018_02_22 (models/research/slim/nets/mobilenet_v1.md) of "
           "this "
           "architecture";
  if (network == "mobilenet-v2")
    return data +
           "TensorFlow's checkpoint (models/research/slim/nets/mobilenet/README.md) of this architecture";
  if (network.rfind("efficientnet-lite", 0) == 0)
    return data +
           "TensorFlow's checkpoint (tensorflow/tpu, models/official/efficientnet/lite/README.md) of this "
           "architecture";
  if (network == "nasnet-a-large")
    return data + "of this architecture in Zoph, Vasudevan, Shlens, Le, CVPR 2018";
  if (network == "pnasnet-5-large") return data + "of this architecture in Liu et al., ECCV 2018";
  return data + "torchvision's IMAGENET1K_V1 weights of this architecture";
}

}  // namespace

const std::vector<ZooNetwork>& known_zoo_networks() {
  static const std::vector<ZooNetwork> networks = [] {
    std::vector<ZooNetwork> all;
    for (const Entry& e : entries()) all.push_back(e.network);
    return all;
  }();
  return networks;
}

ZooConfig ZooConfig::from_json(const nlohmann::json& j, const std::string& where) {
  std::vector<std::string> names;
  for (const ZooNetwork& n : known_zoo_networks()) names.push_back(n.name);
  ZooConfig c;
  JsonReader r(j, where);
  c.network = r.one_of("network", "", names);
  if (r.has("width") && !entry_of(c.network).network.has_width)
    r.fail("width", fmt::format("{} exists in only one width; omit this key", c.network));
  c.width = r.number("width", c.width, 0.1, 2.0);
  c.input_size = r.integer("input_size", entry_of(c.network).network.input_size, 32, 1024);
  c.classes = r.integer("classes", c.classes, 2, 100000);
  r.finish();
  try {
    zoo::parameters(c.architecture());
  } catch (const InputError& e) {
    r.fail("input_size", e.what());
  }
  return c;
}

zoo::Architecture ZooConfig::architecture() const { return entry_of(network).build(*this); }

std::optional<PublishedAccuracy> published_accuracy(const ZooConfig& config) {
  for (const Figure& f : figures)
    if (f.network == config.network && f.width == config.width && f.input_size == config.input_size &&
        config.classes == 1000)
      return PublishedAccuracy{f.top1 / 100, f.top5 > 0 ? std::optional<double>(f.top5 / 100) : std::nullopt,
                               source_of(config.network)};
  return {};
}

}  // namespace alertbench
