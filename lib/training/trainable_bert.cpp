#include "training/trainable_bert.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"

namespace alertbench {
namespace {

using torch::Tensor;

// A part of a state dictionary's name: "bert", "encoder", "layer", "0", ...
class NamedPart : public torch::nn::Module {};

// Registers a parameter whose name has dots, in modules within modules.
Tensor register_by_path(torch::nn::Module& root, const std::string& path, const Tensor& value, bool trained) {
  torch::nn::Module* at = &root;
  size_t begin = 0;
  for (size_t dot; (dot = path.find('.', begin)) != std::string::npos; begin = dot + 1) {
    const std::string part = path.substr(begin, dot - begin);
    const auto children = at->named_children();
    const std::shared_ptr<torch::nn::Module>* known = children.find(part);
    at = known ? known->get() : at->register_module(part, std::make_shared<NamedPart>()).get();
  }
  return at->register_parameter(path.substr(begin), value.clone(), trained);
}

}  // namespace

Tensor TrainableBertImpl::Norm::operator()(const Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, bert_norm_epsilon);
}

TrainableBertImpl::TrainableBertImpl(const BertConfig& c, const Weights& weights, double dropout,
                                     bool train_words)
    : config(c), dropout_(dropout) {
  const std::string words = "bert.embeddings.word_embeddings.weight";
  Weights own;
  for (const auto& [name, value] : weights)
    own.emplace(name, register_by_path(*this, name, value, train_words || name != words));
  const auto linear = [&own](const std::string& name) {
    return Linear{own.at(name + ".weight"), own.at(name + ".bias")};
  };
  const auto norm = [&own](const std::string& name) {
    return Norm{own.at(name + ".weight"), own.at(name + ".bias")};
  };
  words_ = own.at(words);
  positions_ = own.at("bert.embeddings.position_embeddings.weight");
  types_ = own.at("bert.embeddings.token_type_embeddings.weight");
  embedding_norm_ = norm("bert.embeddings.LayerNorm");
  for (int l = 0; l < c.layers; ++l) {
    const std::string layer = fmt::format("bert.encoder.layer.{}.", l), self = layer + "attention.self.";
    layers_.push_back({linear(self + "query"), linear(self + "key"), linear(self + "value"),
                       linear(layer + "attention.output.dense"), linear(layer + "intermediate.dense"),
                       linear(layer + "output.dense"), norm(layer + "attention.output.LayerNorm"),
                       norm(layer + "output.LayerNorm")});
  }
  for (const int exit : c.exits) heads_.push_back(linear(bert_head_name(c, exit)));
}

Tensor TrainableBertImpl::drop(const Tensor& x) const {
  return dropout_ > 0 && is_training() ? at::dropout(x, dropout_, true) : x;
}

Tensor TrainableBertImpl::attend(const Layer& layer, const Tensor& x,
                                 const std::vector<int64_t>& lengths) const {
  const int64_t hidden = config.hidden, heads = config.heads, size = hidden / heads;
  const double scale = 1 / std::sqrt(static_cast<double>(size));
  const Tensor query_key_value =
      at::linear(x, at::cat({layer.query.weight * scale, layer.key.weight, layer.value.weight}),
                 at::cat({layer.query.bias * scale, layer.key.bias, layer.value.bias}));
  std::vector<Tensor> found;
  // Splitting and unbinding at once: the gradient of each part alone would be as large as the whole.
  for (const Tensor& window : query_key_value.split_with_sizes(lengths)) {
    const auto parts = window.view({-1, 3, heads, size}).permute({1, 2, 0, 3}).unbind(0);
    const Tensor attention = drop(at::softmax(at::bmm(parts[0], parts[1].transpose(1, 2)), 2));
    found.push_back(at::bmm(attention, parts[2]).transpose(0, 1).reshape({-1, hidden}));
  }
  return at::cat(found);
}

std::vector<Tensor> TrainableBertImpl::forward(const std::vector<TokenWindow>& windows) {
  std::vector<int64_t> ids, types, places, lengths;
  for (const TokenWindow& w : windows) {
    const auto length = static_cast<int64_t>(w.ids.size());
    if (length > config.positions)
      throw InputError(
          fmt::format("a window of {} tokens, but the network has {} positions; set \"positions\" "
                      "of its config to at least {}",
                      length, config.positions, length));
    ids.insert(ids.end(), w.ids.begin(), w.ids.end());
    types.insert(types.end(), w.types.begin(), w.types.end());
    for (int64_t t = 0; t < length; ++t) places.push_back(t);
    lengths.push_back(length);
  }
  const auto embedded = [](const Tensor& table, const std::vector<int64_t>& numbers) {
    return at::embedding(table, torch::tensor(numbers, torch::kLong));
  };
  Tensor x =
      drop(embedding_norm_(embedded(words_, ids) + embedded(positions_, places) + embedded(types_, types)));
  std::vector<Tensor> logits;
  for (int l = 0; l < config.layers; ++l) {
    const Layer& layer = layers_[static_cast<size_t>(l)];
    x = layer.attention_norm(x + drop(layer.attention_output(attend(layer, x, lengths))));
    x = layer.output_norm(x + drop(layer.output(at::gelu(layer.intermediate(x)))));
    const size_t exit = logits.size();
    if (config.exits[exit] == l + 1) logits.push_back(heads_[exit](x));
  }
  return logits;
}

std::vector<Tensor> TrainableBertImpl::losses(const std::vector<SquadExample>& examples,
                                              Precision precision) {
  std::vector<TokenWindow> windows;
  std::vector<int64_t> lengths;
  for (const SquadExample& e : examples) {
    windows.push_back(e.window);
    lengths.push_back(static_cast<int64_t>(e.window.ids.size()));
  }
  std::vector<Tensor> all, all_logits;
  {
    const MixedPrecision rounded(precision);
    all_logits = as_floats(forward(windows));
  }
  for (const Tensor& logits : all_logits) {
    const auto of_window = logits.split_with_sizes(lengths);
    std::vector<Tensor> likelihoods;
    for (size_t e = 0; e < examples.size(); ++e) {
      const auto start_end = at::log_softmax(of_window[e], 0).unbind(1);
      const auto mean_of = [](const Tensor& log, const std::vector<int64_t>& tokens) {
        return log.index_select(0, torch::tensor(tokens, torch::kLong)).mean();
      };
      likelihoods.push_back(mean_of(start_end[0], examples[e].starts));
      likelihoods.push_back(mean_of(start_end[1], examples[e].ends));
    }
    all.push_back(at::stack(likelihoods).mean().neg());
  }
  return all;
}

Weights TrainableBertImpl::weights() const {
  Weights all;
  for (const auto& p : named_parameters()) all.emplace(p.key(), p.value().detach());
  return all;
}

std::vector<Tensor> TrainableBertImpl::trained() const {
  std::vector<Tensor> all;
  for (const Tensor& p : parameters())
    if (p.requires_grad()) all.push_back(p);
  return all;
}

}  // namespace alertbench
