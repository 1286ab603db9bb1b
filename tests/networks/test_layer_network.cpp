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

Tensor padded(const Tensor& x, const zoo::Padding& p) {
  return at::constant_pad_nd(x, {p.before, p.after, p.before, p.after});
}

using Inputs = std::vector<Tensor>;

Tensor run(const zoo::Convolution& c, const Inputs& in, const Weights& w, double epsilon) {
  Tensor y = at::conv2d(padded(in[0], c.padding), w.at(c.name + ".weight"),
                        c.bias ? w.at(c.name + ".bias") : Tensor(), c.stride, at::IntArrayRef{0}, 1,
                        c.depthwise ? in[0].size(1) : 1);
  const auto part = [&](const char* of) { return w.at(c.norm.name + of).narrow(0, c.norm.first, c.out); };
  if (!c.norm.name.empty())
    y = at::batch_norm(y, part(".weight"), part(".bias"), part(".running_mean"), part(".running_var"), false,
                       0.1, epsilon, false);
  return activate(y, c.activation);
}
Tensor run(const zoo::MaxPool& p, const Inputs& in, const Weights&, double) {
  return at::max_pool2d(in[0], p.kernel, p.stride, p.padding, 1, p.ceil);
}
Tensor run(const zoo::AveragePool& p, const Inputs& in, const Weights&, double) {
  return at::avg_pool2d(in[0], p.kernel, p.stride, p.padding, p.ceil, false);
}
Tensor run(const zoo::AdaptivePool& p, const Inputs& in, const Weights&, double) {
  return at::adaptive_avg_pool2d(in[0], {p.size, p.size});
}
Tensor run(const zoo::Linear& l, const Inputs& in, const Weights& w, double) {
  return activate(at::linear(in[0].flatten(1), w.at(l.name + ".weight"), w.at(l.name + ".bias")),
                  l.activation);
}
Tensor run(const zoo::Relu&, const Inputs& in, const Weights&, double) { return at::relu(in[0]); }
Tensor run(const zoo::Add& a, const Inputs& in, const Weights&, double) {
  return activate(at::stack(in).sum(0), a.activation);
}
Tensor run(const zoo::Concatenate&, const Inputs& in, const Weights&, double) { return at::cat(in, 1); }
Tensor run(const zoo::Input&, const Inputs&, const Weights&, double) { return {}; }

Tensor reference(const zoo::Architecture& net, const Tensor& x, const Weights& w) {
  std::vector<Tensor> values{x};
  for (size_t n = 1; n < net.nodes().size(); ++n) {
    const zoo::Node& node = net.nodes()[n];
    Inputs in;
    for (const zoo::Value v : node.inputs) in.push_back(values.at(static_cast<size_t>(v)));
    values.push_back(
        std::visit([&](const auto& o) { return run(o, in, w, net.norm_epsilon()); }, node.operation));
    const zoo::Shape s = node.shape;
    const Tensor& y = values.back();
    if (y.numel() != int64_t{s.channels} * s.size * s.size || y.size(1) != s.channels)
      expect(false, fmt::format("node {} gives {}x{}x{}", n, s.channels, s.size, s.size));
  }
  return values.back().flatten();
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

void expect_equal(const zoo::Architecture& net, const Weights& weights, StagedModel& model,
                  const std::string& what) {
  Weights exact;
  for (const auto& [name, tensor] : weights) exact.emplace(name, tensor.to(at::kDouble));
  for (int image = 0; image < 2; ++image) {  // nothing may remain of the first
    const Tensor x = at::randn({1, net.channels(), net.input_size(), net.input_size()});
    const Tensor wanted = reference(net, x.to(at::kDouble), exact), got = scores_of(model, x);
    const bool sized =
        got.sizes() == wanted.sizes() && wanted.numel() == net.classes() && wanted.std().item<double>() > 0;
    const auto error = [&wanted](const Tensor& y) {
      return ((y - wanted).abs().max() / wanted.abs().max()).item<double>();
    };
    const double rounding = error(reference(net, x, weights)), found = sized ? error(got) : 1;
    expect(found < 1e-5 + 4 * rounding, fmt::format("compiled = layer by layer: {}, image {}: off by {:.2g} "
                                                    "of the largest score, LibTorch's layers by {:.2g}",
                                                    what, image, found, rounding));
  }
}

void compiled_equals_reference() {
  struct Case {
    const char* name;
    double width;
    int size, blocks;
  };
  const Case cases[] = {
      {"resnet-18", 1, 64, 10},          {"resnet-34", 1, 75, 18},       {"resnet-50", 1, 64, 18},
      {"resnet-101", 1, 33, 35},         {"mobilenet-v1", 1, 64, 15},    {"mobilenet-v1", 0.25, 75, 15},
      {"mobilenet-v2", 1, 64, 20},       {"mobilenet-v2", 0.35, 75, 20}, {"squeezenet-1.0", 1, 64, 10},
      {"squeezenet-1.1", 1, 75, 10},     {"vgg-16-bn", 1, 64, 16},       {"efficientnet-lite0", 1, 64, 19},
      {"efficientnet-lite2", 1, 75, 24}, {"nasnet-a-large", 1, 32, 24}};
  for (const Case& c : cases) {
    const zoo::Architecture net = network(c.name, c.width, c.size);
    const Weights weights = lively_weights(net);
    const auto model = compile(net, weights);
    expect_equal(net, weights, *model, fmt::format("{} {} at {}", c.name, c.width, c.size));
    expect(model->stages() == 1 && model->blocks(0) == c.blocks,
           fmt::format("{} has {} blocks", c.name, model->blocks(0)));
    expect(!at::hasMKLDNN() || model->prepacked() == true,
           fmt::format("{}: LibTorch {} rearranges weights for oneDNN", c.name, TORCH_VERSION));
    expect(!compile(net, weights, ComputeDevice::portable_processor())->prepacked(),
           fmt::format("{}: other devices have no say in that", c.name));
  }
}

// What no chain of layers has: values that are read again much later, also after a sum or a ReLU that could
// have changed them in place, and summed with themselves; sums across the end of a block; every padding.
zoo::Architecture odd_graph(int size) {
  using namespace zoo;
  Architecture net(3, size, 7, 1e-3);
  int made = 0;
  const auto conv = [&](Value x, int kernel, int stride, Padding padding, BatchNorm norm = {}) {
    Convolution c;
    c.name = fmt::format("c{}", ++made);
    c.out = 8;
    c.kernel = kernel;
    c.stride = stride;
    c.padding = padding;
    c.bias = norm.name.empty();
    c.norm = norm;
    return net.add(c, {x});
  };
  const auto depthwise = [&](Value x, int kernel, int stride) {
    Convolution c = same_depthwise(fmt::format("c{}", ++made), "", 8, kernel, stride, Activation::none);
    c.bias = true;
    c.padding = same_padding(net.shape(x).size, kernel, stride);
    return net.add(c, {x});
  };
  const Value bright = net.relu(net.image());  // the image is read below as it is
  const Value a = conv(bright, 3, 1, {2, 0}), b = conv(net.image(), 1, 1, {});
  const Value s = net.add(Add{}, {a, b});
  net.end_block();
  const Value late = conv(s, 3, 1, around(1));  // summed in the next block
  const Value r = net.relu(s);
  const Value p = net.add(AveragePool{3, 1, 1}, {s}), twice = net.add(Add{}, {p, p});
  net.end_block();
  const Value t = net.add(Add{Activation::relu6}, {late, r});
  const Value u = net.add(Add{Activation::relu}, {t, twice, s, conv(r, 1, 1, {})});
  const bool even = size % 2 == 0;
  const Value pools = net.add(Add{}, {net.add(MaxPool{3, 2, even ? 0 : 1, even}, {u}),
                                      net.add(AveragePool{3, 2, even ? 0 : 1, even}, {u})});
  const Value halves =
      net.add(Concatenate{}, {conv(r, 1, 2, {}, {"n", 0, 16}), conv(r, 1, 2, {-1, 1}, {"n", 8, 16})});
  net.end_block();
  const Value tall =
      net.add(Concatenate{}, {depthwise(u, 3, 2), depthwise(u, 5, 2), depthwise(u, 7, 2), pools, halves});
  const Value narrow = conv(net.relu(tall), 1, 1, {}, {"m"});
  const Value sum = net.add(Add{}, {pools, narrow});  // the second can add the first
  net.add(Linear{"fc", 7}, {net.add(AdaptivePool{2}, {net.add(Concatenate{}, {sum, net.relu(sum)})})});
  net.finish();
  return net;
}

void odd_graphs() {
  for (const int size : {12, 13}) {
    const zoo::Architecture net = odd_graph(size);
    const Weights weights = lively_weights(net);
    const auto model = compile(net, weights),
               portable = compile(net, weights, ComputeDevice::portable_processor());
    expect(model->blocks(0) == 4, "four blocks");
    expect_equal(net, weights, *model, fmt::format("an odd graph at {}", size));
    expect_equal(net, weights, *portable, fmt::format("an odd graph at {}, portable", size));
  }
}

void means_leave_padding_out() {
  for (const int size : {41, 42}) {
    zoo::Architecture net(1, size, 21 * 21);
    const bool even = size % 2 == 0;
    net.add(zoo::AveragePool{3, 2, even ? 0 : 1, even}, {net.add(zoo::AveragePool{3, 1, 1}, {net.image()})});
    net.finish();
    const Tensor got = scores_of(*compile(net, {}), at::full({1, 1, size, size}, 3.0f));
    expect(at::allclose(got, at::full({21 * 21}, 3.0f)), fmt::format("the mean of a constant at {}", size));
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

// Files of TensorFlow's networks have a row for the background in front of ImageNet's 1000 classes.
void background_class(const std::filesystem::path& folder) {
  const std::string path = (folder / "background.pt").string();
  for (const char* name : {"mobilenet-v1", "squeezenet-1.1"}) {
    const std::string last = name == std::string("mobilenet-v1") ? "fc" : "classifier.1";
    const zoo::Architecture wide = network(name, 1, 32, 1001), net = network(name, 1, 32, 1000);
    const Weights weights = lively_weights(wide);
    c10::Dict<std::string, Tensor> dict;
    for (const auto& [entry, tensor] : weights) dict.insert(entry, tensor);
    save(dict, path);
    const Weights read = read_weights(net, path);
    bool same = true;
    for (const char* part : {".weight", ".bias"})
      same = same && at::equal(read.at(last + part), weights.at(last + part).narrow(0, 1, 1000));
    expect(same, fmt::format("{}: the background's row is left out", name));
    expect_refusal("no other row is", "expected [999",
                   [&] { read_weights(network(name, 1, 32, 999), path); });
    dict.insert_or_assign(last + ".bias", at::zeros({1002}));
    save(dict, path);
    expect_refusal("nor two", last + ".bias: shape [1002], expected [1000]",
                   [&] { read_weights(net, path); });
  }
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
  odd_graphs();
  means_leave_padding_out();
  background_class(folder);
  weights_on_disk(folder);
  std::filesystem::remove_all(folder);
  fmt::print("{}\n", failures ? fmt::format("{} failures", failures) : "all passed");
  return failures ? 1 : 0;
}
