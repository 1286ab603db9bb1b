#include "models/bert.h"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "models/state_dict_file.h"
#include "workloads/squad_windows.h"

namespace alertbench {
namespace {

using at::Tensor;

constexpr double initial_deviation = 0.02;

std::string layer_name(int layer) { return fmt::format("bert.encoder.layer.{}.", layer); }

// Every tensor that the network needs, not filled.
Weights empty_weights(const BertConfig& c) {
  Weights weights;
  const auto linear = [&weights](const std::string& name, int64_t out, int64_t in) {
    weights.emplace(name + ".weight", at::empty({out, in}));
    weights.emplace(name + ".bias", at::empty({out}));
  };
  const auto norm = [&weights, &c](const std::string& name) {
    weights.emplace(name + ".weight", at::empty({c.hidden}));
    weights.emplace(name + ".bias", at::empty({c.hidden}));
  };
  const std::string embeddings = "bert.embeddings.";
  weights.emplace(embeddings + "word_embeddings.weight", at::empty({c.vocabulary, c.hidden}));
  weights.emplace(embeddings + "position_embeddings.weight", at::empty({c.positions, c.hidden}));
  weights.emplace(embeddings + "token_type_embeddings.weight", at::empty({c.types, c.hidden}));
  norm(embeddings + "LayerNorm");
  for (int l = 0; l < c.layers; ++l) {
    const std::string layer = layer_name(l);
    for (const char* part : {"query", "key", "value"})
      linear(layer + "attention.self." + part, c.hidden, c.hidden);
    linear(layer + "attention.output.dense", c.hidden, c.hidden);
    norm(layer + "attention.output.LayerNorm");
    linear(layer + "intermediate.dense", c.intermediate, c.hidden);
    linear(layer + "output.dense", c.hidden, c.intermediate);
    norm(layer + "output.LayerNorm");
  }
  for (const int exit : c.exits) linear(bert_head_name(c, exit), 2, c.hidden);
  return weights;
}

bool starts_with(const std::string& text, const std::string& start) {
  return text.compare(0, start.size(), start) == 0;
}

// With `old_end` replaced, where the text ends so.
std::string with_end(const std::string& text, const std::string& old_end, const std::string& new_end) {
  if (text.size() < old_end.size()) return text;
  const size_t at = text.size() - old_end.size();
  return text.compare(at, old_end.size(), old_end) == 0 ? text.substr(0, at) + new_end : text;
}

// What public checkpoints hold besides, and how they called layer norms at first. An encoder that was stored
// alone lacks "bert.".
std::string name_in_network(const std::string& stored) {
  const bool encoder_alone =
      starts_with(stored, "embeddings.") || starts_with(stored, "encoder.") || starts_with(stored, "pooler.");
  const std::string name = encoder_alone ? "bert." + stored : stored;
  const bool passed_over = starts_with(name, "bert.pooler.") || starts_with(name, "cls.") ||
                           name == "bert.embeddings.position_ids";
  if (passed_over) return "";
  return with_end(with_end(name, "LayerNorm.gamma", "LayerNorm.weight"), "LayerNorm.beta", "LayerNorm.bias");
}

// Of all windows, side by side.
Tensor tensor_of(const std::vector<TokenWindow>& windows, std::vector<int64_t> TokenWindow::*numbers) {
  std::vector<int64_t> all;
  for (const TokenWindow& w : windows) all.insert(all.end(), (w.*numbers).begin(), (w.*numbers).end());
  return at::tensor(all, at::kLong);
}

void check(const TokenWindow& window, size_t index, const BertConfig& c) {
  const auto refuse = [index](const std::string& what) {
    throw InputError(fmt::format("window {}: {}", index, what));
  };
  const auto check_range = [&refuse](const std::vector<int64_t>& values, int limit, const char* what,
                                     const char* remedy) {
    for (size_t t = 0; t < values.size(); ++t)
      if (values[t] < 0 || values[t] >= limit)
        refuse(fmt::format("token {}: {} {} is outside the network's range, 0 to {}; {}", t, what, values[t],
                           limit - 1, remedy));
  };
  const size_t tokens = window.ids.size();
  if (tokens == 0) refuse("it has no tokens");
  if (tokens > static_cast<size_t>(c.positions))
    refuse(
        fmt::format("{} tokens, but the network has {} positions; use shorter windows", tokens, c.positions));
  if (window.types.size() != tokens) refuse(fmt::format("{} ids, but {} types", tokens, window.types.size()));
  check_range(window.ids, c.vocabulary, "id", "use the vocabulary that the network was trained with");
  check_range(window.types, c.types, "type", "0 is the question, 1 the context");
}

}  // namespace

std::string bert_head_name(const BertConfig& c, int exit) {
  return exit == c.layers ? "qa_outputs" : fmt::format("exits.{}", exit);
}

Weights random_weights(const BertConfig& config, uint64_t seed) {
  const at::Generator generator = at::detail::createCPUGenerator(seed);
  Weights weights = empty_weights(config);
  for (auto& [name, tensor] : weights) {
    if (tensor.dim() == 2)
      tensor.normal_(0, initial_deviation, generator);
    else
      tensor.fill_(with_end(name, "LayerNorm.weight", "") != name ? 1 : 0);
  }
  return weights;
}

Weights read_weights(const BertConfig& config, const std::string& path) {
  const Weights weights = empty_weights(config);
  fill_weights(
      weights, path, name_in_network,
      "the names are those of Hugging Face's BertForQuestionAnswering, an encoder that was fine-tuned "
      "for questions: save its state dictionary");
  return weights;
}

FirstWeights read_first_weights(const BertConfig& config, const std::string& path, uint64_t seed) {
  FirstWeights first{random_weights(config, seed), {}};
  const StateDictFile file = StateDictFile::read(path);
  Weights stored = first.weights;  // the same tensors
  for (const int exit : config.exits) {
    const std::string head = bert_head_name(config, exit);
    const auto has_it = [&head](const StoredTensor& t) {  // whatever a wrapper put before it
      return with_end(t.name, head + ".weight", "") != t.name ||
             with_end(t.name, head + ".bias", "") != t.name;
    };
    if (std::any_of(file.tensors().begin(), file.tensors().end(), has_it)) continue;
    first.new_heads.push_back(head);
    stored.erase(head + ".weight");
    stored.erase(head + ".bias");
  }
  fill_weights(stored, path, [&](const std::string& stored_name) {
    const std::string name = name_in_network(stored_name), layers = "bert.encoder.layer.";
    const bool deeper = starts_with(name, layers) && std::atoi(name.c_str() + layers.size()) >= config.layers,
               other_exit = starts_with(name, "exits.") && !stored.count(name);
    return deeper || other_exit ? "" : name;
  });
  return first;
}

Tensor BertReader::LayerNorm::operator()(const Tensor& x) const {
  return at::layer_norm(x, weight.sizes(), weight, bias, bert_norm_epsilon);
}

BertReader::BertReader(const BertConfig& config, const Weights& weights, const ComputeDevice& device)
    : config_(config), input_(device), device_(device) {
  const c10::InferenceMode inference;
  const auto placed = [&weights, &device](const std::string& name) { return device.put(weights.at(name)); };
  const int64_t window = std::min(config.positions, SquadWindowSettings{}.max_length);
  const auto linear = [&](const std::string& name) {
    return PrepackedLinear(weights.at(name + ".weight"), weights.at(name + ".bias"), window, device);
  };
  // Query, key and value side by side, the query scaled in advance by 1 / sqrt(d).
  const auto query_key_value = [&](const std::string& self) {
    const double scale = std::sqrt(static_cast<double>(config.heads) / config.hidden);
    const auto joined = [&](const char* part) {
      return at::cat({weights.at(self + "query" + part) * scale, weights.at(self + "key" + part),
                      weights.at(self + "value" + part)});
    };
    return PrepackedLinear(joined(".weight"), joined(".bias"), window, device);
  };
  const auto norm = [&placed](const std::string& name) {
    return LayerNorm{placed(name + ".weight"), placed(name + ".bias")};
  };
  const std::string embeddings = "bert.embeddings.";
  word_embeddings_ = placed(embeddings + "word_embeddings.weight");
  position_embeddings_ = placed(embeddings + "position_embeddings.weight");
  type_embeddings_ = placed(embeddings + "token_type_embeddings.weight");
  embedding_norm_ = norm(embeddings + "LayerNorm");
  for (int l = 0; l < config.layers; ++l) {
    const std::string layer = layer_name(l);
    layers_.push_back({query_key_value(layer + "attention.self."), linear(layer + "attention.output.dense"),
                       norm(layer + "attention.output.LayerNorm"), linear(layer + "intermediate.dense"),
                       linear(layer + "output.dense"), norm(layer + "output.LayerNorm")});
  }
  for (const int exit : config.exits) heads_.push_back(linear(bert_head_name(config, exit)));
}

int BertReader::blocks(int stage) const {
  return (config_.exits[static_cast<size_t>(stage)] - layers_before(stage)) *
         static_cast<int>(windows_.size());
}

void BertReader::set_windows(const std::vector<TokenWindow>& windows) {
  const c10::InferenceMode inference;
  if (windows.empty()) throw InputError("the input has no windows");
  for (size_t w = 0; w < windows.size(); ++w) check(windows[w], w, config_);
  input_.set(at::stack({tensor_of(windows, &TokenWindow::ids), tensor_of(windows, &TokenWindow::types)}));
  windows_.clear();
  int64_t first = 0;
  for (const TokenWindow& window : windows) {
    const auto tokens = static_cast<int64_t>(window.ids.size());
    const auto part = [&](int64_t row) { return input_.get()[row].narrow(0, first, tokens); };
    windows_.push_back({part(0), part(1), {}, std::vector<Tensor>(heads_.size())});
    first += tokens;
  }
}

void BertReader::run_block(int stage, int block) {
  const c10::InferenceMode inference;
  const int first = layers_before(stage), end = config_.exits[static_cast<size_t>(stage)],
            depth = end - first;
  const int layer = first + block % depth;
  if (stage == 0 && block == 0) input_.fetch();
  Window& window = windows_[static_cast<size_t>(block / depth)];
  window.state = run_layer(layers_[static_cast<size_t>(layer)], layer == 0 ? embed(window) : window.state);
  if (layer + 1 == end) {
    const auto s = static_cast<size_t>(stage);
    window.answers[s] = heads_[s](window.state);
  }
}

std::vector<float> BertReader::scores(int stage) const {
  const c10::InferenceMode inference;
  std::vector<float> all;
  for (const Window& window : windows_) {
    const Tensor start_end = window.answers[static_cast<size_t>(stage)].cpu().t().contiguous();
    all.insert(all.end(), start_end.data_ptr<float>(), start_end.data_ptr<float>() + start_end.numel());
  }
  return all;
}

Tensor BertReader::embed(const Window& window) const {
  Tensor x = at::embedding(word_embeddings_, window.ids);
  x.add_(position_embeddings_.narrow(0, 0, x.size(0)));
  x.add_(at::embedding(type_embeddings_, window.types));
  return embedding_norm_(x);
}

Tensor BertReader::attend(const Layer& layer, const Tensor& x) const {
  const Tensor query_key_value = layer.query_key_value(x);
  return device_.portable() ? all_heads(query_key_value) : head_by_head(query_key_value);
}

// On the processor: one head's scores stay in the cache, where those of all heads at once take twice the
// time.
Tensor BertReader::head_by_head(const Tensor& query_key_value) const {
  const int64_t hidden = config_.hidden, size = hidden / config_.heads;
  const Tensor found = at::empty({query_key_value.size(0), hidden}, query_key_value.options());
  for (int64_t first = 0; first < hidden; first += size) {
    const Tensor query = query_key_value.narrow(1, first, size),
                 key = query_key_value.narrow(1, hidden + first, size),
                 value = query_key_value.narrow(1, 2 * hidden + first, size);
    Tensor own = found.narrow(1, first, size);
    at::mm_out(own, at::softmax(at::mm(query, key.t()), 1), value);
  }
  return found;
}

// On a GPU, where launching four small products a head would take longer than the products.
Tensor BertReader::all_heads(const Tensor& query_key_value) const {
  const int64_t tokens = query_key_value.size(0), hidden = config_.hidden, size = hidden / config_.heads;
  const auto part = [&](int64_t which) {  // [heads, tokens, size]
    return query_key_value.narrow(1, which * hidden, hidden)
        .view({tokens, config_.heads, size})
        .transpose(0, 1);
  };
  const Tensor scores = at::bmm(part(0), part(1).transpose(1, 2));
  return at::bmm(at::softmax(scores, 2), part(2)).transpose(0, 1).reshape({tokens, hidden});
}

Tensor BertReader::run_layer(const Layer& layer, const Tensor& x) const {
  const Tensor y = layer.attention_norm(layer.attention_output.plus(attend(layer, x), x));
  return layer.output_norm(layer.output.plus(at::gelu(layer.intermediate(y)), y));
}

}  // namespace alertbench
