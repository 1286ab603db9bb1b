// What our way of running networks is worth: latency through StagedModel (all stages, all blocks) over that
// of LibTorch used plainly with the same weights, one input at a time, one thread, in alternating pairs:
//   layers   LibTorch's operators layer by layer, as torch::nn modules call them, nothing folded, nothing
//   prepacked.
//            Of a nested network the dense one of the same width with zeros where edges are missing, which
//            gives the last stage's answer only.
//   script   the network as TorchScript, run as torch::jit::load() gives it
//   frozen   the same after torch::jit::freeze(), which folds batch norms
// Both must give the same answer. JSON on stdout. Run it from the repository on an otherwise idle machine:
// scripts/bench.sh.
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

Tensor plain_layers(const std::vector<zoo::Layer>& layers, Tensor x, const Weights& w) {
  for (const zoo::Layer& layer : layers) {
    if (const auto* c = std::get_if<zoo::Convolution>(&layer)) {
      x = at::conv2d(x, w.at(c->name + ".weight"), c->bias ? w.at(c->name + ".bias") : Tensor(), c->stride,
                     c->padding, 1, c->groups);
      if (!c->norm.empty())
        x = at::batch_norm(x, w.at(c->norm + ".weight"), w.at(c->norm + ".bias"),
                           w.at(c->norm + ".running_mean"), w.at(c->norm + ".running_var"), false, 0.1,
                           zoo::batch_norm_epsilon, false);
      x = plain_activation(x, c->activation);
    } else if (const auto* p = std::get_if<zoo::MaxPool>(&layer)) {
      x = at::max_pool2d(x, p->kernel, p->stride, p->padding, 1, p->ceil);
    } else if (const auto* a = std::get_if<zoo::AveragePool>(&layer)) {
      x = at::adaptive_avg_pool2d(x, {a->size, a->size});
    } else {
      const auto& l = std::get<zoo::Linear>(layer);
      x = plain_activation(at::linear(x.flatten(1), w.at(l.name + ".weight"), w.at(l.name + ".bias")),
                           l.activation);
    }
  }
  return x;
}

Tensor plain_zoo(const zoo::Architecture& net, Tensor x, const Weights& w) {
  for (const zoo::Block& block : net.blocks) {
    x = plain_layers(block.layers, x, w);
    if (block.join == zoo::Join::none) continue;
    std::vector<Tensor> results;
    for (const auto& branch : block.branches) results.push_back(plain_layers(branch, x, w));
    Tensor joined = results[0];
    if (block.join == zoo::Join::concatenate)
      joined = at::cat(results, 1);
    else
      for (size_t b = 1; b < results.size(); ++b) joined = joined + results[b];
    x = plain_activation(joined, block.activation);
  }
  return x;
}

// --- the same as the source of a TorchScript module

std::string attribute(std::string name) {
  std::replace(name.begin(), name.end(), '.', '_');
  return "self." + name;
}

std::string activation_source(zoo::Activation a, const std::string& x) {
  if (a == zoo::Activation::none) return "";
  return fmt::format("  {0} = {1}\n", x,
                     a == zoo::Activation::relu ? fmt::format("torch.relu({})", x)
                                                : fmt::format("torch.clamp({}, 0., 6.)", x));
}

std::string layers_source(const std::vector<zoo::Layer>& layers, const std::string& x) {
  std::string s;
  for (const zoo::Layer& layer : layers) {
    if (const auto* c = std::get_if<zoo::Convolution>(&layer)) {
      s += fmt::format("  {0} = torch.conv2d({0}, {1}, {2}, [{3}, {3}], [{4}, {4}], [1, 1], {5})\n", x,
                       attribute(c->name + ".weight"), c->bias ? attribute(c->name + ".bias") : "None",
                       c->stride, c->padding, c->groups);
      if (!c->norm.empty())
        s += fmt::format("  {0} = torch.batch_norm({0}, {1}, {2}, {3}, {4}, False, 0.1, 1e-05, False)\n", x,
                         attribute(c->norm + ".weight"), attribute(c->norm + ".bias"),
                         attribute(c->norm + ".running_mean"), attribute(c->norm + ".running_var"));
      s += activation_source(c->activation, x);
    } else if (const auto* p = std::get_if<zoo::MaxPool>(&layer)) {
      s += fmt::format("  {0} = torch.max_pool2d({0}, [{1}, {1}], [{2}, {2}], [{3}, {3}], [1, 1], {4})\n", x,
                       p->kernel, p->stride, p->padding, p->ceil ? "True" : "False");
    } else if (const auto* a = std::get_if<zoo::AveragePool>(&layer)) {
      s += fmt::format("  {0} = torch.adaptive_avg_pool2d({0}, [{1}, {1}])\n", x, a->size);
    } else {
      const auto& l = std::get<zoo::Linear>(layer);
      s += fmt::format("  {0} = torch.addmm({1}, torch.flatten({0}, 1), torch.t({2}))\n", x,
                       attribute(l.name + ".bias"), attribute(l.name + ".weight"));
      s += activation_source(l.activation, x);
    }
  }
  return s;
}

torch::jit::Module script_of(const zoo::Architecture& net, const Weights& weights) {
  torch::jit::Module module("Network");
  for (const auto& [name, tensor] : weights) module.register_buffer(attribute(name).substr(5), tensor);
  std::string s = "def forward(self, x):\n";
  for (const zoo::Block& block : net.blocks) {
    s += layers_source(block.layers, "x");
    if (block.join == zoo::Join::none) continue;
    std::vector<std::string> names;
    for (size_t b = 0; b < block.branches.size(); ++b) {
      names.push_back(fmt::format("y{}", b));
      s += fmt::format("  {} = x\n", names.back()) + layers_source(block.branches[b], names.back());
    }
    if (block.join == zoo::Join::concatenate)
      s += fmt::format("  x = torch.cat([{}], 1)\n", fmt::join(names, ", "));
    else
      s += fmt::format("  x = {}\n", fmt::join(names, " + "));
    s += activation_source(block.activation, "x");
  }
  module.define(s + "  return torch.flatten(x, 1)\n");
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
  ordered_json all = ordered_json::array();

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

  void zoo_networks() {
    const NetworkFile file = NetworkFile::read("networks/imagenet-zoo.json");
    for (const char* name :
         {"resnet-18", "resnet-50", "mobilenet-v1-1.0-224", "mobilenet-v2-1.0-224", "squeezenet-1.1"}) {
      const NetworkSpec& spec = file.find(name);
      const zoo::Architecture net = spec.zoo.architecture();
      const Weights weights = random_weights(net, spec.random_seed);
      const Image image = random_image(3, net.input_size);
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
      const Image image = random_image(3, net.input_size);
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
                seconds};
    std::filesystem::create_directories(bench.folder);
    const ordered_json host = to_json(read_host());
    bench.lstms();
    bench.berts();
    bench.resnets();
    bench.zoo_networks();
    bench.torchscript();
    std::filesystem::remove_all(bench.folder);
    const ordered_json out = {{"schema_version", "1.0"},
                              {"host", host},
                              {"inference", bench.runtime->facts()},
                              {"cpus", cpus},
                              {"ours_over_plain", bench.all}};
    fmt::print("{}\n", out.dump(1));
    return 0;
  } catch (const std::exception& e) {
    fmt::print(stderr, "bench_networks: {}\n", e.what());
    return 1;
  }
}
