// What our way of running networks is worth: latency through StagedModel (all stages, all blocks) over that
// of LibTorch used plainly with the same weights, one input at a time, one thread, in alternating pairs:
//   layers   LibTorch's operators layer by layer, as torch::nn modules call them, nothing folded, nothing
//   prepacked.
//            Of a nested network the dense one of the same width with zeros where edges are missing, which
//            gives the last stage's answer only.
//   script   the network as TorchScript, run as torch::jit::load() gives it
//   frozen   the same after torch::jit::freeze(), which folds batch norms
// Both must give the same answer. Of nested networks also what nesting costs:
//   one network   all stages over one ordinary network of about the same multiply-accumulates (the same
//   layers, narrower), both run our way, per multiply-accumulate
// JSON on stdout. Run it from the repository on an otherwise idle machine: scripts/bench.sh. Arguments:
// seconds for each comparison (5), networks of the zoo (then only these).
#include <fmt/format.h>
#include <torch/script.h>
#include <torch/torch.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/statistics.h"
#include "host/host.h"
#include "live/placement.h"
#include "models/bert.h"
#include "models/inference_runtime.h"
#include "models/layer_network.h"
#include "models/striped_lstm.h"
#include "models/striped_resnet.h"

extern "C" alertbench::InferenceRuntime* alert_make_inference_runtime(int threads, const char* device);

using namespace alertbench;
using at::Tensor;
using nlohmann::ordered_json;

namespace {

constexpr int pairs_least = 21, pairs_most = 501, warm_up_runs = 5;
constexpr double largest_difference = 1e-3;  // of the largest score; rounding in float stays far below

double median(const std::vector<double>& v) { return quantile(v, 0.5).value_or(0); }

std::vector<float> floats(const Tensor& t) {
  const Tensor flat = t.reshape({-1}).contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

// `plain` returns what scores() of the last stage must give.
ordered_json compare(const std::string& name, const char* against, StagedModel& ours,
                     const std::function<Tensor()>& plain, double seconds) {
  torch::NoGradGuard no_grad;
  SystemClock clock;
  Tensor answer;
  std::vector<double> own, other, ratio;
  const auto run_ours = [&] {
    for (int s = 0; s < ours.stages(); ++s)
      for (int b = 0; b < ours.blocks(s); ++b) ours.run_block(s, b);
  };
  const auto timed = [&clock](const std::function<void()>& run) {
    const double start_s = clock.now_s();
    run();
    return clock.now_s() - start_s;
  };
  const auto run_plain = [&] { answer = plain(); };
  for (int i = 0; i < warm_up_runs; ++i) run_ours(), run_plain();
  const std::vector<float> got = ours.scores(ours.stages() - 1), wanted = floats(answer);
  if (got.size() != wanted.size()) throw std::runtime_error(name + ": another number of scores");
  double largest = 0, off = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(double{wanted[i]}));
    off = std::max(off, std::abs(double{got[i]} - wanted[i]));
  }
  if (!(off <= largest_difference * largest))
    throw std::runtime_error(fmt::format("{} and {}: the answers differ by {:.2g} of the largest score", name,
                                         against, off / largest));
  const double end_s = clock.now_s() + seconds;
  for (int i = 0; i < pairs_least || (i < pairs_most && clock.now_s() < end_s); ++i) {
    if (i % 2) own.push_back(timed(run_ours));
    other.push_back(timed(run_plain));
    if (i % 2 == 0) own.push_back(timed(run_ours));
    ratio.push_back(own.back() / other.back());
  }
  fmt::print(stderr, "{} against {}: {:.3f}\n", name, against, median(ratio));
  return {{"network", name},
          {"against", against},
          {"ours_median_s", median(own)},
          {"plain_median_s", median(other)},
          {"median_of_pair_ratios", median(ratio)},
          {"pair_ratio_p25", quantile(ratio, 0.25).value_or(0)},
          {"pair_ratio_p75", quantile(ratio, 0.75).value_or(0)},
          {"pairs", ratio.size()},
          {"difference", off / largest}};
}

// The same layers without stripes, of the multiple of 8 channels that comes closest to as many operations.
ResnetConfig one_network_like(const ResnetConfig& nested) {
  const auto scaled = [&nested](double factor) {
    const auto width = [factor](int w) {
      return std::max(8, static_cast<int>(std::lround(w * factor / 8)) * 8);
    };
    ResnetConfig one = nested;
    one.stripes = 1;
    one.stem_width = width(one.stem_width);
    for (ResnetGroup& group : one.groups) group.width = width(group.width);
    return one;
  };
  const auto wanted = static_cast<double>(nested.multiply_accumulates().back());
  const auto distance = [wanted](const ResnetConfig& c) {
    return std::abs(std::log(static_cast<double>(c.multiply_accumulates().back()) / wanted));
  };
  ResnetConfig best = scaled(1);
  for (double factor = 0.3; factor < 1; factor += 0.01)
    if (const ResnetConfig c = scaled(factor); distance(c) < distance(best)) best = c;
  return best;
}

// In alternating pairs; what each does is run().
ordered_json compare_cost(const std::string& name, const NetworkSpec& nested, StagedModel& all_stages,
                          const NetworkSpec& one, StagedModel& one_network, double seconds) {
  SystemClock clock;
  const auto timed = [&clock](StagedModel& model) {
    const double start_s = clock.now_s();
    for (int s = 0; s < model.stages(); ++s)
      for (int b = 0; b < model.blocks(s); ++b) model.run_block(s, b);
    return clock.now_s() - start_s;
  };
  for (int i = 0; i < warm_up_runs; ++i) timed(all_stages), timed(one_network);
  const auto macs = static_cast<double>(nested.multiply_accumulates()),
             macs_of_one = static_cast<double>(one.multiply_accumulates());
  std::vector<double> of_nested, of_one, ratio;
  const double end_s = clock.now_s() + seconds;
  for (int i = 0; i < pairs_least || (i < pairs_most && clock.now_s() < end_s); ++i) {
    if (i % 2) of_nested.push_back(timed(all_stages));
    of_one.push_back(timed(one_network));
    if (i % 2 == 0) of_nested.push_back(timed(all_stages));
    ratio.push_back(of_nested.back() / macs / (of_one.back() / macs_of_one));
  }
  fmt::print(stderr, "{}, all {} stages, against one network: {:.3f}\n", name, nested.stages(),
             median(ratio));
  return {{"network", name},
          {"against", "one network"},
          {"multiply_accumulates", nested.multiply_accumulates()},
          {"multiply_accumulates_of_one", one.multiply_accumulates()},
          {"all_stages_median_s", median(of_nested)},
          {"one_network_median_s", median(of_one)},
          {"median_of_pair_ratios", median(ratio)},
          {"pair_ratio_p25", quantile(ratio, 0.25).value_or(0)},
          {"pair_ratio_p75", quantile(ratio, 0.75).value_or(0)},
          {"pairs", ratio.size()}};
}

Image random_image(int channels, int size) {
  Image image{channels, size, size, {}};
  image.chw = floats(torch::randn({channels * size * size}));
  return image;
}

Tensor as_batch(const Image& i) { return torch::tensor(i.chw).view({1, i.channels, i.height, i.width}); }

// --- networks of the zoo, layer by layer

Tensor plain_activation(const Tensor& x, zoo::Activation a) {
  return a == zoo::Activation::relu ? at::relu(x) : a == zoo::Activation::relu6 ? at::hardtanh(x, 0, 6) : x;
}

Tensor plain(const zoo::Convolution& c, const std::vector<Tensor>& in, const Weights& w, double epsilon) {
  const auto [before, after] = c.padding;
  const Tensor x = before == after ? in[0] : at::constant_pad_nd(in[0], {before, after, before, after});
  Tensor y = at::conv2d(x, w.at(c.name + ".weight"), c.bias ? w.at(c.name + ".bias") : Tensor(), c.stride,
                        at::IntArrayRef{before == after ? before : 0}, 1, c.depthwise ? c.out : 1);
  const auto part = [&](const char* of) { return w.at(c.norm.name + of).narrow(0, c.norm.first, c.out); };
  if (!c.norm.name.empty())
    y = at::batch_norm(y, part(".weight"), part(".bias"), part(".running_mean"), part(".running_var"), false,
                       0.1, epsilon, false);
  return plain_activation(y, c.activation);
}
Tensor plain(const zoo::MaxPool& p, const std::vector<Tensor>& in, const Weights&, double) {
  return at::max_pool2d(in[0], p.kernel, p.stride, p.padding, 1, p.ceil);
}
Tensor plain(const zoo::AveragePool& p, const std::vector<Tensor>& in, const Weights&, double) {
  return at::avg_pool2d(in[0], p.kernel, p.stride, p.padding, p.ceil, false);
}
Tensor plain(const zoo::AdaptivePool& p, const std::vector<Tensor>& in, const Weights&, double) {
  return at::adaptive_avg_pool2d(in[0], {p.size, p.size});
}
Tensor plain(const zoo::Linear& l, const std::vector<Tensor>& in, const Weights& w, double) {
  return plain_activation(at::linear(in[0].flatten(1), w.at(l.name + ".weight"), w.at(l.name + ".bias")),
                          l.activation);
}
Tensor plain(const zoo::Relu&, const std::vector<Tensor>& in, const Weights&, double) {
  return at::relu(in[0]);
}
Tensor plain(const zoo::Add& a, const std::vector<Tensor>& in, const Weights&, double) {
  Tensor sum = in[0];
  for (size_t i = 1; i < in.size(); ++i) sum = sum + in[i];
  return plain_activation(sum, a.activation);
}
Tensor plain(const zoo::Concatenate&, const std::vector<Tensor>& in, const Weights&, double) {
  return at::cat(in, 1);
}
Tensor plain(const zoo::Input&, const std::vector<Tensor>&, const Weights&, double) { return {}; }

Tensor plain_zoo(const zoo::Architecture& net, const Tensor& x, const Weights& w) {
  std::vector<size_t> last_reader(net.nodes().size());
  for (size_t n = 1; n < net.nodes().size(); ++n)
    for (const zoo::Value v : net.nodes()[n].inputs) last_reader[static_cast<size_t>(v)] = n;
  std::vector<Tensor> values{x};
  for (size_t n = 1; n < net.nodes().size(); ++n) {
    const zoo::Node& node = net.nodes()[n];
    std::vector<Tensor> in;
    for (const zoo::Value v : node.inputs) in.push_back(values[static_cast<size_t>(v)]);
    values.push_back(
        std::visit([&](const auto& o) { return plain(o, in, w, net.norm_epsilon()); }, node.operation));
    for (const zoo::Value v : node.inputs)  // as Python frees it
      if (last_reader[static_cast<size_t>(v)] == n) values[static_cast<size_t>(v)].reset();
  }
  return values.back();
}

// --- the same as the source of a TorchScript module

std::string attribute(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return "self." + name;
}

std::string activation_source(zoo::Activation a, const std::string& x) {
  return a == zoo::Activation::none   ? x
         : a == zoo::Activation::relu ? fmt::format("torch.relu({})", x)
                                      : fmt::format("torch.clamp({}, 0., 6.)", x);
}

// An expression of the values `in`.
struct Source {
  const std::vector<std::string>& in;
  double epsilon;

  std::string operator()(const zoo::Convolution& c) const {
    const auto [before, after] = c.padding;
    const std::string x = before == after ? in[0]
                                          : fmt::format("torch.constant_pad_nd({0}, [{1}, {2}, {1}, {2}])",
                                                        in[0], before, after);
    std::string y = fmt::format("torch.conv2d({0}, {1}, {2}, [{3}, {3}], [{4}, {4}], [1, 1], {5})", x,
                                attribute(c.name + ".weight"), c.bias ? attribute(c.name + ".bias") : "None",
                                c.stride, before == after ? before : 0, c.depthwise ? c.out : 1);
    const auto part = [&](const char* of) {
      if (!c.norm.channels) return attribute(c.norm.name + of);
      return fmt::format("{}[{}:{}]", attribute(c.norm.name + of), c.norm.first, c.norm.first + c.out);
    };
    if (!c.norm.name.empty())
      y = fmt::format("torch.batch_norm({}, {}, {}, {}, {}, False, 0.1, {}, False)", y, part(".weight"),
                      part(".bias"), part(".running_mean"), part(".running_var"), epsilon);
    return activation_source(c.activation, y);
  }
  std::string operator()(const zoo::MaxPool& p) const {
    return fmt::format("torch.max_pool2d({0}, [{1}, {1}], [{2}, {2}], [{3}, {3}], [1, 1], {4})", in[0],
                       p.kernel, p.stride, p.padding, p.ceil ? "True" : "False");
  }
  std::string operator()(const zoo::AveragePool& p) const {
    return fmt::format("torch.avg_pool2d({0}, [{1}, {1}], [{2}, {2}], [{3}, {3}], {4}, False)", in[0],
                       p.kernel, p.stride, p.padding, p.ceil ? "True" : "False");
  }
  std::string operator()(const zoo::AdaptivePool& p) const {
    return fmt::format("torch.adaptive_avg_pool2d({0}, [{1}, {1}])", in[0], p.size);
  }
  std::string operator()(const zoo::Linear& l) const {
    return activation_source(l.activation,
                             fmt::format("torch.addmm({1}, torch.flatten({0}, 1), torch.t({2}))", in[0],
                                         attribute(l.name + ".bias"), attribute(l.name + ".weight")));
  }
  std::string operator()(const zoo::Relu&) const { return fmt::format("torch.relu({})", in[0]); }
  std::string operator()(const zoo::Add& a) const {
    return activation_source(a.activation, fmt::format("({})", fmt::join(in, " + ")));
  }
  std::string operator()(const zoo::Concatenate&) const {
    return fmt::format("torch.cat([{}], 1)", fmt::join(in, ", "));
  }
  std::string operator()(const zoo::Input&) const { return "x"; }
};

torch::jit::Module script_of(const zoo::Architecture& net, const Weights& weights) {
  torch::jit::Module module("Network");
  for (const auto& [name, tensor] : weights) module.register_buffer(attribute(name).substr(5), tensor);
  std::string s = "def forward(self, x):\n";
  for (size_t n = 0; n < net.nodes().size(); ++n) {
    const zoo::Node& node = net.nodes()[n];
    std::vector<std::string> in;
    for (const zoo::Value v : node.inputs) in.push_back(fmt::format("y{}", v));
    s += fmt::format("  y{} = {}\n", n, std::visit(Source{in, net.norm_epsilon()}, node.operation));
  }
  module.define(s + fmt::format("  return torch.flatten(y{}, 1)\n", net.nodes().size() - 1));
  module.eval();
  return module;
}

// --- LSTM: LibTorch's own module, dense

Tensor dense_rows(const std::vector<LstmStripe>& stripes, Tensor LstmStripe::*part, int64_t units) {
  const auto width = units / static_cast<int64_t>(stripes.size());
  const bool matrix = (stripes[0].*part).dim() == 2;
  Tensor dense = matrix ? torch::zeros({4, units, units}) : torch::zeros({4, units});
  const int64_t libtorchs[] = {0, 1, 3, 2};  // input, forget, candidate, output there
  for (size_t s = 0; s < stripes.size(); ++s)
    for (int64_t gate = 0; gate < 4; ++gate) {
      const Tensor from = (stripes[s].*part).narrow(0, gate * width, width);
      Tensor to = dense[libtorchs[gate]].narrow(0, static_cast<int64_t>(s) * width, width);
      (matrix ? to.narrow(1, 0, from.size(1)) : to).copy_(from);
    }
  return dense.flatten(0, 1);
}

struct PlainLstm {
  explicit PlainLstm(const StripedLstm& net)
      : lstm(torch::nn::LSTMOptions(net->config.units, net->config.units).num_layers(net->config.layers)),
        embedding(net->embedding.detach().clone()),
        bias(net->output_bias.detach().sum(0)) {
    torch::NoGradGuard no_grad;
    auto parameters = lstm->named_parameters();
    for (size_t l = 0; l < net->layers.size(); ++l) {
      const auto& stripes = net->layers[l];
      parameters[fmt::format("weight_ih_l{}", l)].copy_(
          dense_rows(stripes, &LstmStripe::input, net->config.units));
      parameters[fmt::format("weight_hh_l{}", l)].copy_(
          dense_rows(stripes, &LstmStripe::recurrent, net->config.units));
      parameters[fmt::format("bias_ih_l{}", l)].copy_(
          dense_rows(stripes, &LstmStripe::bias, net->config.units));
      parameters[fmt::format("bias_hh_l{}", l)].zero_();
    }
    lstm->eval();
    state = {torch::zeros({net->config.layers, 1, net->config.units}),
             torch::zeros({net->config.layers, 1, net->config.units})};
  }

  Tensor read(int64_t word, bool keep) {
    const Tensor x = at::embedding(embedding, torch::full({1, 1}, word, torch::kLong));
    const auto [out, after] = lstm->forward(x, state);
    if (keep) state = after;
    return at::log_softmax(at::linear(out.view({1, -1}), embedding, bias), 1);
  }

  torch::nn::LSTM lstm;
  Tensor embedding, bias;
  std::tuple<Tensor, Tensor> state;
};

// --- BERT, all heads at once

Tensor plain_bert(const BertConfig& c, const Weights& w, const Tensor& ids, const Tensor& types) {
  const auto linear = [&w](const std::string& name, const Tensor& x) {
    return at::linear(x, w.at(name + ".weight"), w.at(name + ".bias"));
  };
  const auto norm = [&w, &c](const std::string& name, const Tensor& x) {
    return at::layer_norm(x, {c.hidden}, w.at(name + ".weight"), w.at(name + ".bias"), 1e-12);
  };
  const std::string embeddings = "bert.embeddings.";
  const int64_t tokens = ids.size(0), size = c.hidden / c.heads;
  Tensor x = norm(embeddings + "LayerNorm",
                  at::embedding(w.at(embeddings + "word_embeddings.weight"), ids) +
                      w.at(embeddings + "position_embeddings.weight").narrow(0, 0, tokens) +
                      at::embedding(w.at(embeddings + "token_type_embeddings.weight"), types));
  for (int l = 0; l < c.layers; ++l) {
    const std::string layer = fmt::format("bert.encoder.layer.{}.", l), self = layer + "attention.self.";
    const auto heads = [&](const char* part) {
      return linear(self + part, x).view({tokens, c.heads, size}).transpose(0, 1);
    };
    const Tensor scores =
        at::matmul(heads("query"), heads("key").transpose(1, 2)) / std::sqrt(static_cast<double>(size));
    const Tensor found =
        at::matmul(at::softmax(scores, -1), heads("value")).transpose(0, 1).reshape({tokens, c.hidden});
    const Tensor y =
        norm(layer + "attention.output.LayerNorm", linear(layer + "attention.output.dense", found) + x);
    x = norm(layer + "output.LayerNorm",
             linear(layer + "output.dense", at::gelu(linear(layer + "intermediate.dense", y))) + y);
  }
  return linear("qa_outputs", x).t();
}

struct Bench {
  std::unique_ptr<InferenceRuntime> runtime;
  std::filesystem::path folder;  // for TorchScript
  double seconds;
  std::vector<std::string> only;  // of the zoo; empty: everything
  ordered_json all = ordered_json::array(), costs = ordered_json::array();

  void resnets() {
    for (const NetworkSpec& spec : NetworkFile::read("networks/fashion-mnist.json").networks) {
      StripedResnet net(spec.resnet);
      load_weights(*net, spec.weights);
      net->eval();
      // The weights of missing edges are zeros: a plain user would not multiply by the mask each time.
      for (const auto& module : net->modules())
        if (auto* conv = dynamic_cast<StripedConvImpl*>(module.get())) conv->mask = Tensor();
      // Likewise one head: the last.
      net->heads.erase(net->heads.begin(), net->heads.end() - 1);
      const Image image = random_image(spec.resnet.in_channels, spec.resnet.input_size);
      const Tensor x = as_batch(image);
      const auto ours = runtime->load(spec, spec.classes());
      ours->set_input(image);
      all.push_back(compare(
          spec.name, "layers", *ours, [&] { return net->forward(x).back(); }, seconds));
    }
  }

  void nesting() {
    for (const char* path : {"networks/fashion-mnist.json", "networks/imagenet-nested.json"})
      for (NetworkSpec spec : NetworkFile::read(path).networks) {
        if (spec.stages() < 2) continue;
        NetworkSpec one = spec;
        one.weights.clear();
        one.resnet = one_network_like(spec.resnet);
        const auto nested = runtime->load(spec, spec.classes()), single = runtime->load(one, spec.classes());
        const Image image = random_image(spec.resnet.in_channels, spec.resnet.input_size);
        nested->set_input(image);
        single->set_input(image);
        costs.push_back(compare_cost(spec.name, spec, *nested, one, *single, seconds));
      }
  }

  void zoo_networks() {
    const NetworkFile file = NetworkFile::read("networks/imagenet-zoo.json");
    const std::vector<std::string> usual{
        "resnet-18",          "resnet-50",          "mobilenet-v1-1.0-224", "mobilenet-v2-1.0-224",
        "squeezenet-1.1",     "efficientnet-lite0", "efficientnet-lite1",   "efficientnet-lite2",
        "efficientnet-lite3", "efficientnet-lite4", "nasnet-a-large",       "pnasnet-5-large"};
    for (const std::string& name : only.empty() ? usual : only) {
      const NetworkSpec& spec = file.find(name);
      const zoo::Architecture net = spec.zoo.architecture();
      const Weights weights = random_weights(net, spec.random_seed);
      const Image image = random_image(3, net.input_size());
      const Tensor x = as_batch(image);
      const auto ours = runtime->load(spec, spec.classes());
      ours->set_input(image);
      all.push_back(compare(
          name, "layers", *ours, [&] { return plain_zoo(net, x, weights); }, seconds));
      torch::jit::Module frozen = torch::jit::freeze(script_of(net, weights));
      all.push_back(compare(
          name, "frozen", *ours, [&] { return frozen.forward({x}).toTensor(); }, seconds));
    }
  }

  void torchscript() {
    const NetworkFile file = NetworkFile::read("networks/imagenet-zoo.json");
    for (const char* name : {"resnet-18", "mobilenet-v2-1.0-224"}) {
      NetworkSpec spec = file.find(name);
      const zoo::Architecture net = spec.zoo.architecture();
      spec.architecture = "torchscript";
      spec.weights = (folder / (spec.name + ".pt")).string();
      script_of(net, random_weights(net, spec.random_seed)).save(spec.weights);
      torch::jit::Module script = torch::jit::load(spec.weights);
      torch::jit::Module frozen = torch::jit::freeze(script);
      const Image image = random_image(3, net.input_size());
      const Tensor x = as_batch(image);
      const auto ours = runtime->load(spec, spec.zoo.classes);
      ours->set_input(image);
      all.push_back(compare(
          spec.name + ".pt", "script", *ours, [&] { return script.forward({x}).toTensor(); }, seconds));
      all.push_back(compare(
          spec.name + ".pt", "frozen", *ours, [&] { return frozen.forward({x}).toTensor(); }, seconds));
    }
  }

  void lstms() {
    const std::vector<int32_t> text{17, 4711, 3, 999, 42};
    for (const NetworkSpec& spec : NetworkFile::read("networks/ptb.json").networks) {
      if (spec.is_cascade()) continue;
      StripedLstm net(spec.lstm);
      load_weights(*net, spec.weights);
      PlainLstm plain(net);
      torch::NoGradGuard no_grad;
      for (size_t n = 0; n + 1 < text.size(); ++n) plain.read(text[n], true);
      const auto ours = runtime->load(spec, spec.classes());
      ours->set_input(WordInText{&text, 0, static_cast<int64_t>(text.size()) - 1});
      all.push_back(compare(
          spec.name, "layers", *ours, [&] { return plain.read(text.back(), false); }, seconds));
    }
  }

  void berts() {
    const NetworkFile file = NetworkFile::read("networks/squad.json");
    for (const char* name : {"bert-tiny", "bert-small"})
      for (const int64_t tokens : {128, 384}) {
        const NetworkSpec& spec = file.find(name);
        const Weights weights = random_weights(spec.bert, spec.random_seed);
        TokenWindow window;
        for (int64_t t = 0; t < tokens; ++t) {
          window.ids.push_back((t * 7919 + 13) % spec.bert.vocabulary);
          window.types.push_back(t > 16 ? 1 : 0);
        }
        const Tensor ids = torch::tensor(window.ids), types = torch::tensor(window.types);
        const auto ours = runtime->load(spec, spec.classes());
        ours->set_input(TokenWindows{{window}});
        all.push_back(compare(
            fmt::format("{}, {} tokens", name, tokens), "layers", *ours,
            [&] { return plain_bert(spec.bert, weights, ids, types); }, seconds));
      }
  }
};

}  // namespace

int main(int argc, char** argv) {
  try {
    restart_with_fast_blas(argv);
    const double seconds = argc > 1 ? std::stod(argv[1]) : 5;
    const std::vector<int> cpus = pin_thread("inference_cpu", 0, 1, allowed_cpus());
    torch::manual_seed(1);
    Bench bench{std::unique_ptr<InferenceRuntime>(alert_make_inference_runtime(1, "cpu")),
                std::filesystem::temp_directory_path() / fmt::format("alert-bench-networks-{}", getpid()),
                seconds,
                {argv + std::min(argc, 2), argv + argc}};
    std::filesystem::create_directories(bench.folder);
    const ordered_json host = to_json(read_host());
    if (bench.only.empty()) {
      bench.lstms();
      bench.berts();
      bench.resnets();
      bench.nesting();
    }
    bench.zoo_networks();
    if (bench.only.empty()) bench.torchscript();
    std::filesystem::remove_all(bench.folder);
    const ordered_json out = {{"schema_version", "1.0"},
                              {"host", host},
                              {"inference", bench.runtime->facts()},
                              {"cpus", cpus},
                              {"ours_over_plain", bench.all},
                              {"nesting", bench.costs}};
    fmt::print("{}\n", out.dump(1));
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_networks: {}\n", e.what());
    return 1;
  }
}
