// BERT against plain loops in double precision, and its weights on disk. A plain program: Catch2's CHECK and
// c10's do not go together.
#include <fmt/format.h>
#include <torch/serialize.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/error.h"
#include "expect.h"
#include "models/bert.h"

using namespace alertbench;
using at::Tensor;

namespace {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;  // a row per token

class Reference {
 public:
  Reference(const BertConfig& config, const Weights& weights) : c_(config), weights_(weights) {}

  // Start, then end scores of one window, by the exit's head.
  Row scores(const TokenWindow& window, int exit) const {
    Matrix x;
    for (size_t t = 0; t < window.ids.size(); ++t) {
      Row token;
      for (int h = 0; h < c_.hidden; ++h)
        token.push_back(at("bert.embeddings.word_embeddings.weight", window.ids[t], h) +
                        at("bert.embeddings.position_embeddings.weight", static_cast<int64_t>(t), h) +
                        at("bert.embeddings.token_type_embeddings.weight", window.types[t], h));
      x.push_back(norm("bert.embeddings.LayerNorm", token));
    }
    for (int l = 0; l < exit; ++l) x = layer(fmt::format("bert.encoder.layer.{}.", l), x);
    const Matrix start_end = linear(exit == c_.layers ? "qa_outputs" : fmt::format("exits.{}", exit), x);
    Row all;
    for (size_t which = 0; which < 2; ++which)
      for (const Row& token : start_end) all.push_back(token[which]);
    return all;
  }

 private:
  double at(const std::string& name, int64_t row, int64_t column) const {
    const Tensor& t = weights_.at(name);
    return t.data_ptr<float>()[row * t.size(1) + column];
  }

  double at(const std::string& name, int64_t i) const { return weights_.at(name).data_ptr<float>()[i]; }

  Matrix linear(const std::string& name, const Matrix& x) const {
    Matrix all;
    for (const Row& in : x) {
      Row out;
      for (int64_t o = 0; o < weights_.at(name + ".bias").size(0); ++o) {
        double sum = at(name + ".bias", o);
        for (size_t i = 0; i < in.size(); ++i)
          sum += in[i] * at(name + ".weight", o, static_cast<int64_t>(i));
        out.push_back(sum);
      }
      all.push_back(out);
    }
    return all;
  }

  Row norm(const std::string& name, const Row& x) const {
    const auto n = static_cast<double>(x.size());
    double mean = 0, variance = 0;
    for (const double v : x) mean += v / n;
    for (const double v : x) variance += (v - mean) * (v - mean) / n;
    Row y;
    for (size_t i = 0; i < x.size(); ++i) {
      const auto k = static_cast<int64_t>(i);
      y.push_back((x[i] - mean) / std::sqrt(variance + 1e-12) * at(name + ".weight", k) +
                  at(name + ".bias", k));
    }
    return y;
  }

  Matrix add_and_norm(const std::string& name, const Matrix& x, const Matrix& y) const {
    Matrix all;
    for (size_t t = 0; t < x.size(); ++t) {
      Row sum;
      for (size_t i = 0; i < x[t].size(); ++i) sum.push_back(x[t][i] + y[t][i]);
      all.push_back(norm(name, sum));
    }
    return all;
  }

  Matrix attention(const std::string& name, const Matrix& x) const {
    const Matrix q = linear(name + "query", x), k = linear(name + "key", x), v = linear(name + "value", x);
    const size_t tokens = x.size(), size = static_cast<size_t>(c_.hidden / c_.heads);
    Matrix found(tokens, Row(x[0].size(), 0.0));
    for (size_t head = 0; head < static_cast<size_t>(c_.heads); ++head)
      for (size_t t = 0; t < tokens; ++t) {
        Row weight;
        double sum = 0;
        for (size_t other = 0; other < tokens; ++other) {
          double product = 0;
          for (size_t i = head * size; i < (head + 1) * size; ++i) product += q[t][i] * k[other][i];
          weight.push_back(std::exp(product / std::sqrt(static_cast<double>(size))));
          sum += weight.back();
        }
        for (size_t other = 0; other < tokens; ++other)
          for (size_t i = head * size; i < (head + 1) * size; ++i)
            found[t][i] += weight[other] / sum * v[other][i];
      }
    return found;
  }

  Matrix layer(const std::string& name, const Matrix& x) const {
    const Matrix attended = linear(name + "attention.output.dense", attention(name + "attention.self.", x));
    const Matrix y = add_and_norm(name + "attention.output.LayerNorm", attended, x);
    Matrix inner = linear(name + "intermediate.dense", y);
    for (Row& token : inner)
      for (double& z : token) z *= 0.5 * (1 + std::erf(z / std::sqrt(2.0)));
    return add_and_norm(name + "output.LayerNorm", linear(name + "output.dense", inner), y);
  }

  const BertConfig& c_;
  const Weights& weights_;
};

BertConfig small() {
  BertConfig c;
  c.vocabulary = 50;
  c.hidden = 24;
  c.layers = 4;
  c.heads = 3;
  c.intermediate = 40;
  c.positions = 20;
  c.exits = {1, 3, 4};
  return c;
}

// Random weights with which every part matters: biases, norms, and attention that is far from even.
Weights lively_weights(const BertConfig& config) {
  Weights weights = random_weights(config, 7);
  for (auto& [name, tensor] : weights) {
    if (tensor.dim() == 2)
      tensor.normal_(0, 0.3);
    else if (name.find("LayerNorm.weight") != std::string::npos)
      tensor.uniform_(0.5, 1.5);
    else
      tensor.normal_(0, 0.2);
  }
  return weights;
}

TokenWindow window(int tokens, int64_t salt, const BertConfig& c) {
  TokenWindow w;
  for (int t = 0; t < tokens; ++t) {
    w.ids.push_back((t * 13 + salt * 29) % c.vocabulary);
    w.types.push_back(t > tokens / 3 ? 1 : 0);
  }
  return w;
}

void run_stage(BertReader& reader, int stage) {
  for (int b = 0; b < reader.blocks(stage); ++b) reader.run_block(stage, b);
}

std::vector<std::vector<float>> run(BertReader& reader) {
  std::vector<std::vector<float>> all;
  for (int s = 0; s < reader.stages(); ++s) {
    run_stage(reader, s);
    all.push_back(reader.scores(s));
  }
  return all;
}

// Largest difference, in units of the largest score; 1 where the sizes differ.
double difference(const std::vector<float>& got, const Row& wanted) {
  if (got.size() != wanted.size()) return 1;
  double largest = 0, off = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    largest = std::max(largest, std::abs(wanted[i]));
    off = std::max(off, std::abs(got[i] - wanted[i]));
  }
  return off / largest;
}

// So large that oneDNN takes the products, whose weights are rearranged for longer windows than those here.
BertConfig prepacked() {
  BertConfig c = small();
  c.hidden = 72;
  c.positions = 400;
  return c;
}

void equals_reference(const BertConfig& config) {
  const Weights weights = lively_weights(config);
  const Reference reference(config, weights);
  BertReader reader(config, weights);
  const std::vector<TokenWindow> windows{window(20, 1, config), window(1, 2, config), window(9, 3, config)};
  reader.set_windows(windows);
  const std::vector<int> blocks{reader.blocks(0), reader.blocks(1), reader.blocks(2)};
  expect(reader.stages() == 3 && blocks == std::vector<int>{3, 6, 3}, "a block is a layer on a window");
  const auto all = run(reader);
  for (size_t s = 0; s < 3; ++s) {
    Row wanted;
    for (const TokenWindow& w : windows) {
      const Row own = reference.scores(w, config.exits[s]);
      wanted.insert(wanted.end(), own.begin(), own.end());
    }
    const double off = difference(all[s], wanted);
    expect(off < 1e-5,
           fmt::format("{} wide, stage {} = plain loops, three windows: off by {:.2g} of the largest score",
                       config.hidden, s + 1, off));
  }
  expect(run(reader) == all, "the same input again gives the same");

  BertConfig whole = config;
  whole.exits = {4};
  BertReader plain(whole, weights);
  plain.set_windows(windows);
  expect(run(plain).at(0) == all[2], "the last exit is the network without earlier ones");
}

void stops_anywhere() {
  const BertConfig config = small();
  const Weights weights = lively_weights(config);
  BertReader reader(config, weights), fresh(config, weights);
  const std::vector<TokenWindow> first{window(12, 4, config), window(7, 5, config)},
      second{window(5, 6, config)};
  fresh.set_windows(first);
  const auto of_first = run(fresh);
  fresh.set_windows(second);
  const auto of_second = run(fresh);

  reader.set_windows(first);
  run_stage(reader, 0);
  for (int b = 0; b < 3; ++b) reader.run_block(1, b);  // into the second window
  expect(reader.scores(0) == of_first[0], "a stage's answer stands when the next is stopped");
  expect(run(reader) == of_first, "the same input from its beginning, after a stop");
  run_stage(reader, 0);
  reader.run_block(1, 0);
  reader.set_windows(second);
  expect(run(reader) == of_second, "another input after a stop");
}

void bad_input() {
  const BertConfig config = small();
  BertReader reader(config, random_weights(config, 1));
  const TokenWindow good = window(8, 1, config);
  reader.set_windows({good});
  const auto before = run(reader);
  const auto expect_bad = [&](const std::string& what, const std::string& part,
                              const std::function<void(TokenWindow&)>& change) {
    TokenWindow bad = good;
    change(bad);
    expect_refusal(what, part, [&] { reader.set_windows({good, bad}); });
  };
  expect_bad("an id too large", "window 1: token 3: id 50 is outside the network's range, 0 to 49",
             [](TokenWindow& w) { w.ids[3] = 50; });
  expect_bad("an id below 0", "window 1: token 0: id -1", [](TokenWindow& w) { w.ids[0] = -1; });
  expect_bad("a type too large", "window 1: token 7: type 2", [](TokenWindow& w) { w.types[7] = 2; });
  expect_bad("a type missing", "window 1: 8 ids, but 7 types", [](TokenWindow& w) { w.types.pop_back(); });
  expect_bad("no tokens", "window 1: it has no tokens", [](TokenWindow& w) { w = {}; });
  expect_bad("a window too long", "window 1: 21 tokens, but the network has 20 positions",
             [&](TokenWindow& w) { w = window(21, 1, config); });
  expect_refusal("no window", "has no windows", [&] { reader.set_windows({}); });
  expect(run(reader) == before, "what was refused leaves the input as it was");
}

void random_weights_are_berts() {
  BertConfig config = small();
  config.vocabulary = 5000;
  const Weights a = random_weights(config, 5), b = random_weights(config, 5), c = random_weights(config, 6);
  const std::string words = "bert.embeddings.word_embeddings.weight";
  bool same = true;
  int64_t numbers = 0;
  for (const auto& [name, tensor] : a) {
    same = same && at::equal(tensor, b.at(name));
    numbers += tensor.numel();
  }
  expect(same, "the same seed gives the same weights");
  expect(!at::equal(a.at(words), c.at(words)), "another seed gives others");
  expect(numbers == config.parameters(), fmt::format("{} numbers, as the config counts", numbers));
  const double deviation = a.at(words).std().item<double>();
  expect(std::abs(deviation - 0.02) < 0.0002, fmt::format("deviation {:.5f}", deviation));
  const auto all = [&a](const std::string& name, float value) {
    return at::equal(a.at(name), at::full_like(a.at(name), value));
  };
  expect(all("bert.encoder.layer.3.output.LayerNorm.weight", 1) && all("bert.embeddings.LayerNorm.bias", 0) &&
             all("exits.3.bias", 0),
         "norms are the identity, biases 0");
}

void save(const c10::Dict<std::string, Tensor>& dict, const std::string& path) {
  const std::vector<char> bytes = torch::pickle_save(dict);
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void weights_on_disk(const std::filesystem::path& folder) {
  const BertConfig config = small();
  const Weights weights = lively_weights(config);
  const std::string path = (folder / "weights.pt").string();
  using Dict = c10::Dict<std::string, Tensor>;
  const auto saved = [&](const std::function<void(Dict&)>& change) {
    Dict dict;
    for (const auto& [name, tensor] : weights) dict.insert(name, tensor);
    change(dict);
    save(dict, path);
  };
  const auto load = [&] { read_weights(config, path); };
  const auto come_back = [&] {
    const Weights back = read_weights(config, path);
    bool same = back.size() == weights.size();
    for (const auto& [name, tensor] : weights) same = same && at::equal(back.at(name), tensor);
    return same;
  };

  saved([](Dict&) {});
  expect(come_back(), "weights come back as they were saved");
  saved([&](Dict& dict) {  // as public checkpoints have it
    dict.insert("bert.pooler.dense.weight", at::zeros({24, 24}));
    dict.insert("bert.embeddings.position_ids", at::arange(20).view({1, 20}));
    dict.insert("cls.predictions.bias", at::zeros({50}));
    for (const auto& [name, tensor] : weights)
      for (const auto& [now, before] :
           {std::pair<std::string, std::string>{"LayerNorm.weight", "LayerNorm.gamma"},
            {"LayerNorm.bias", "LayerNorm.beta"}}) {
        const size_t found = name.find(now);
        if (found == std::string::npos) continue;
        (void)dict.erase(name);
        dict.insert(name.substr(0, found) + before, tensor);
      }
  });
  expect(come_back(), "gamma and beta of old files, a pooler and other heads");

  saved([](Dict& d) {
    for (const char* name : {"qa_outputs.weight", "qa_outputs.bias", "exits.1.weight"}) (void)d.erase(name);
  });
  expect_refusal("no heads", "missing: exits.1.weight; missing: qa_outputs.bias; missing: qa_outputs.weight",
                 load);
  saved([](Dict& d) { d.insert_or_assign("qa_outputs.weight", at::zeros({3, 24})); });
  expect_refusal("another shape", "qa_outputs.weight: shape [3, 24], expected [2, 24]", load);
  saved([](Dict& d) { d.insert("exits.2.weight", at::zeros({2, 24})); });
  expect_refusal("an exit that the config lacks", "unknown: exits.2.weight", load);
  saved([](Dict& d) { d.insert("bert.embeddings.LayerNorm.gamma", at::zeros({24})); });
  expect_refusal("one tensor under two names", "duplicate: bert.embeddings.LayerNorm.weight, as ", load);
}

}  // namespace

int main() {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("alert-bert-tests-{}", getpid());
  std::filesystem::create_directories(folder);
  at::manual_seed(11);
  at::NoGradGuard no_grad;
  equals_reference(small());
  equals_reference(prepacked());
  stops_anywhere();
  bad_input();
  random_weights_are_berts();
  weights_on_disk(folder);
  std::filesystem::remove_all(folder);
  fmt::print("{}\n", failures ? fmt::format("{} failures", failures) : "all passed");
  return failures ? 1 : 0;
}
