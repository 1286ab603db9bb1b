// The networks of the zoo against plain LibTorch, and their weights on disk. A plain program: Catch2's CHECK
// and c10's do not go together.
#include <fmt/format.h>
#include <torch/serialize.h>
#include <torch/version.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "expect.h"
#include "models/layer_network.h"
#include "models/zoo/zoo.h"

using namespace alertbench;
using at::Tensor;

namespace {

// Every layer as LibTorch's own operator, in plain NCHW, nothing folded; in the precision of the weights.
Tensor activate(const Tensor& x, zoo::Activation activation) {
  if (activation == zoo::Activation::relu) return at::relu(x);
  return activation == zoo::Activation::relu6 ? at::hardtanh(x, 0, 6) : x;
}

Tensor reference(const zoo::Layer& layer, const Tensor& x, const Weights& w) {
  if (const auto* c = std::get_if<zoo::Convolution>(&layer)) {
    const Tensor bias = c->bias ? w.at(c->name + ".bias") : Tensor();
    Tensor y = at::conv2d(x, w.at(c->name + ".weight"), bias, c->stride, c->padding, 1, c->groups);
    if (!c->norm.empty())
      y = at::batch_norm(y, w.at(c->norm + ".weight"), w.at(c->norm + ".bias"),
                         w.at(c->norm + ".running_mean"), w.at(c->norm + ".running_var"), false, 0.1, 1e-5,
                         false);
    return activate(y, c->activation);
  }
  if (const auto* p = std::get_if<zoo::MaxPool>(&layer))
    return at::max_pool2d(x, p->kernel, p->stride, p->padding, 1, p->ceil);
  if (const auto* p = std::get_if<zoo::AveragePool>(&layer))
    return at::adaptive_avg_pool2d(x, {p->size, p->size});
  const auto& l = std::get<zoo::Linear>(layer);
  return activate(at::linear(x.flatten(1), w.at(l.name + ".weight"), w.at(l.name + ".bias")), l.activation);
}

Tensor reference(const std::vector<zoo::Layer>& layers, Tensor x, const Weights& w) {
  for (const zoo::Layer& layer : layers) x = reference(layer, x, w);
  return x;
}

Tensor reference(const zoo::Architecture& net, Tensor x, const Weights& w) {
  for (const zoo::Block& block : net.blocks) {
    x = reference(block.layers, x, w);
    if (block.join == zoo::Join::none) continue;
    std::vector<Tensor> results;
    for (const auto& branch : block.branches) results.push_back(reference(branch, x, w));
    x = block.join == zoo::Join::add ? at::stack(results).sum(0) : at::cat(results, 1);
    x = activate(x, block.activation);
  }
  return x.flatten();
}

// Random weights whose batch norms have something to fold.
Weights lively_weights(const zoo::Architecture& net) {
  Weights weights = random_weights(net, 7);
  for (auto& [name, tensor] : weights) {
    const auto is = [&name_ = name](const char* part) { return name_.find(part) != std::string::npos; };
    if (is("running_mean") || is(".bias")) tensor.normal_(0, 0.1);
    if (is("running_var") || (tensor.dim() == 1 && is(".weight"))) tensor.uniform_(0.5, 1.5);
  }
  return weights;
}

Tensor scores_of(StagedModel& model, const Tensor& x) {
  const Tensor flat = x.flatten();
  model.set_input(Image{static_cast<int>(x.size(1)), static_cast<int>(x.size(2)), static_cast<int>(x.size(3)),
                        std::vector<float>(flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel())});
  for (int again = 0; again < 2; ++again)  // as the harness does
    for (int b = 0; b < model.blocks(0); ++b) model.run_block(0, b);
  const std::vector<float> scores = model.scores(0);
  return at::tensor(scores);
}

zoo::Architecture network(const std::string& name, double width, int size, int classes = 10) {
  ZooConfig c;
  c.network = name;
  c.width = width;
  c.input_size = size;
  c.classes = classes;
  return c.architecture();
}

void compiled_equals_reference() {
  struct Case {
    const char* name;
    double width;
    int size, blocks;
  };
  const Case cases[] = {
      {"resnet-18", 1, 64, 10},      {"resnet-34", 1, 75, 18},       {"resnet-50", 1, 64, 18},
      {"resnet-101", 1, 33, 35},     {"mobilenet-v1", 1, 64, 15},    {"mobilenet-v1", 0.25, 75, 15},
      {"mobilenet-v2", 1, 64, 20},   {"mobilenet-v2", 0.35, 75, 20}, {"squeezenet-1.0", 1, 64, 10},
      {"squeezenet-1.1", 1, 75, 10}, {"vgg-16-bn", 1, 64, 16}};
  for (const Case& c : cases) {
    const zoo::Architecture net = network(c.name, c.width, c.size);
    const Weights weights = lively_weights(net);
    const auto model = compile(net, weights);
    Weights exact;
    for (const auto& [name, tensor] : weights) exact.emplace(name, tensor.to(at::kDouble));
    for (int image = 0; image < 2; ++image) {  // nothing may remain of the first
      const Tensor x = at::randn({1, 3, c.size, c.size});
      const Tensor wanted = reference(net, x.to(at::kDouble), exact), got = scores_of(*model, x);
      const bool sized =
          got.sizes() == wanted.sizes() && wanted.numel() == 10 && wanted.std().item<double>() > 0;
      const auto error = [&wanted](const Tensor& y) {
        return ((y - wanted).abs().max() / wanted.abs().max()).item<double>();
      };
      const double rounding = error(reference(net, x, weights)), found = sized ? error(got) : 1;
      expect(found < 1e-5 + 4 * rounding, fmt::format("compiled = layer by layer: {} {} at {}, image {}: off "
                                                      "by {:.2g} of the largest score, LibTorch's "
                                                      "layers by {:.2g}",
                                                      c.name, c.width, c.size, image, found, rounding));
    }
    expect(model->stages() == 1 && model->blocks(0) == c.blocks,
           fmt::format("{} has {} blocks", c.name, model->blocks(0)));
    expect(!at::hasMKLDNN() || model->prepacked() == true,
           fmt::format("{}: LibTorch {} rearranges weights for oneDNN", c.name, TORCH_VERSION));
    expect(!compile(net, weights, ComputeDevice::portable_processor())->prepacked(),
           fmt::format("{}: other devices have no say in that", c.name));
  }
}

void random_weights_are_he() {
  const zoo::Architecture net = network("mobilenet-v2", 1, 64);
  const Weights a = random_weights(net, 5), b = random_weights(net, 5), c = random_weights(net, 6);
  const char* name = "features.18.0.weight";
  expect(at::equal(a.at(name), b.at(name)), "the same seed gives the same weights");
  expect(!at::equal(a.at(name), c.at(name)), "another seed gives others");
  const double wide = a.at(name).var().item<double>() * 320 / 2;
  const double depthwise = a.at("features.17.conv.1.0.weight").var().item<double>() * 9 / 2;
  expect(std::abs(wide - 1) < 0.02 && std::abs(depthwise - 1) < 0.08,
         fmt::format("variance 2 / fan-in: {:.3f} and {:.3f} of it", wide, depthwise));
}

void save(const c10::Dict<std::string, Tensor>& dict, const std::string& path) {
  const std::vector<char> bytes = torch::pickle_save(dict);
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void weights_on_disk(const std::filesystem::path& folder) {
  const zoo::Architecture net = network("squeezenet-1.1", 1, 64);
  const Weights weights = lively_weights(net);
  const std::string path = (folder / "weights.pt").string();
  const auto saved = [&](const std::function<void(c10::Dict<std::string, Tensor>&)>& change,
                         at::ScalarType type = at::kFloat) {
    c10::Dict<std::string, Tensor> dict;
    for (const auto& [name, tensor] : weights) dict.insert(name, tensor.to(type));
    change(dict);
    save(dict, path);
  };
  const auto unchanged = [](c10::Dict<std::string, Tensor>&) {};
  const auto load = [&] { read_weights(net, path); };

  for (const auto type : {at::kFloat, at::kHalf, at::kBFloat16, at::kDouble}) {
    saved(unchanged, type);
    const Weights back = read_weights(net, path);
    bool same = back.size() == weights.size();
    for (const auto& [name, tensor] : weights)
      same = same && at::equal(back.at(name), tensor.to(type).to(at::kFloat));
    expect(same, fmt::format("weights come back as they were saved: {}", c10::toString(type)));
  }
  saved([](auto& d) { d.insert("features.0.num_batches_tracked", at::zeros({}, at::kLong)); });
  load();
  saved([](auto& d) { d.insert_or_assign("features.0.weight", d.at("features.0.weight").transpose(2, 3)); });
  expect(at::equal(read_weights(net, path).at("features.0.weight"),
                   weights.at("features.0.weight").transpose(2, 3)),
         "a transposed tensor keeps its order");

  saved([](auto& d) { (void)d.erase("features.0.bias"); });
  expect_refusal("a tensor missing", "missing: features.0.bias", load);
  saved([](auto& d) { d.insert("fc.weight", at::zeros({3})); });
  expect_refusal("a tensor too many", "unknown: fc.weight", load);
  saved([](auto& d) { d.insert_or_assign("classifier.1.bias", at::zeros({1000})); });
  expect_refusal("another shape", "classifier.1.bias: shape [1000], expected [10]", load);
  saved([](auto& d) { d.insert_or_assign("classifier.1.bias", at::zeros({10}, at::kInt)); });
  expect_refusal("whole numbers", "classifier.1.bias: whole numbers", load);
  saved([](auto& d) { d.insert_or_assign("classifier.1.bias", at::full({10}, NAN)); });
  expect_refusal("NaN", "classifier.1.bias: contains NaN or infinity", load);
  saved([](auto& d) { (void)d.erase("features.0.bias"); });
  const std::string both = refusal(load);
  expect(both.find("missing: features.0.bias") != std::string::npos &&
             both.find("classifier") == std::string::npos,
         "only what is wrong is listed");
  const std::string many = refusal([&] { read_weights(network("resnet-18", 1, 64), path); });
  expect(many.size() < 2000 && many.find("more") != std::string::npos, "a long list is cut");
}

}  // namespace

int main() {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("alert-layer-tests-{}", getpid());
  std::filesystem::create_directories(folder);
  at::manual_seed(11);
  at::NoGradGuard no_grad;
  compiled_equals_reference();
  random_weights_are_he();
  weights_on_disk(folder);
  std::filesystem::remove_all(folder);
  fmt::print("{}\n", failures ? fmt::format("{} failures", failures) : "all passed");
  return failures ? 1 : 0;
}
