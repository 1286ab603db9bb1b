// Training of a BERT that answers questions. A plain program: Catch2's CHECK and c10's do not go together.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "expect.h"
#include "models/bert.h"
#include "models/striped_resnet.h"
#include "training/checkpoint.h"
#include "training/squad_examples.h"
#include "training/squad_quality.h"
#include "training/trainable_bert.h"

using namespace alertbench;
using torch::Tensor;

namespace {

double difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

BertConfig tiny() {
  BertConfig c;
  c.vocabulary = 40;
  c.hidden = 24;
  c.layers = 3;
  c.heads = 3;
  c.intermediate = 48;
  c.positions = 64;
  c.exits = {1, 3};
  return c;
}

// Far from zero and from the identity, so that a mistake is not lost in rounding.
Weights rough_weights(const BertConfig& config) {
  Weights weights = random_weights(config, 1);
  const at::Generator generator = at::detail::createCPUGenerator(2);
  for (auto& [name, tensor] : weights) {
    const bool scale = name.find("LayerNorm.weight") != std::string::npos;
    tensor.normal_(scale ? 1.0 : 0.0, 0.3, generator);
  }
  return weights;
}

TokenWindow random_window(int64_t tokens, uint64_t seed) {
  const Tensor ids =
      torch::randint(40, {tokens}, at::detail::createCPUGenerator(seed), torch::kLong).contiguous();
  TokenWindow w{{ids.data_ptr<int64_t>(), ids.data_ptr<int64_t>() + tokens},
                std::vector<int64_t>(static_cast<size_t>(tokens), 1)};
  w.types[0] = w.types[1] = 0;
  return w;
}

void equals_the_reader() {
  const BertConfig config = tiny();
  const Weights weights = rough_weights(config);
  TrainableBert net(config, weights, 0.3, true);
  net->eval();
  const std::vector<TokenWindow> windows = {random_window(17, 1), random_window(5, 2), random_window(64, 3)};
  BertReader reader(config, net->weights());
  reader.set_windows(windows);
  torch::NoGradGuard no_grad;
  const auto logits = net->forward(windows);
  for (int stage = 0; stage < 2; ++stage) {
    for (int block = 0; block < reader.blocks(stage); ++block) reader.run_block(stage, block);
    std::vector<Tensor> got;  // in the reader's order
    for (const Tensor& w : logits[static_cast<size_t>(stage)].split_with_sizes({17, 5, 64}))
      got.push_back(w.t().reshape({-1}));
    const Tensor wanted = torch::tensor(reader.scores(stage));
    const double worst = difference(at::cat(got), wanted);
    expect(wanted.abs().max().item<double>() > 1 && worst < 1e-5,
           fmt::format("exit {}: the numbers of the network that is run: {:.1e}", stage + 1, worst));
  }
  net->train();
  expect(difference(net->forward(windows)[1], logits[1]) > 1e-3, "in training there is dropout");
  expect_refusal("a window longer than the network", "64 positions",
                 [&] { net->forward({random_window(65, 1)}); });
}

void losses_are_cross_entropies() {
  TrainableBert net(tiny(), rough_weights(tiny()), 0, true);
  net->eval();
  const SquadExample one{random_window(9, 1), {3, 3, 5}, {4, 4, 8}}, two{random_window(4, 2), {0}, {0}};
  const auto logits = net->forward({one.window, two.window});
  const auto losses = net->losses({one, two});
  for (size_t e = 0; e < 2; ++e) {
    // With plain loops, in double precision.
    const auto cross_entropy = [&](int64_t first, int64_t tokens, int64_t column, int64_t answer) {
      double sum = 0;
      for (int64_t t = first; t < first + tokens; ++t) sum += std::exp(logits[e][t][column].item<double>());
      return std::log(sum) - logits[e][first + answer][column].item<double>();
    };
    const double of_one = (2 * cross_entropy(0, 9, 0, 3) + cross_entropy(0, 9, 0, 5)) / 3 +
                          (2 * cross_entropy(0, 9, 1, 4) + cross_entropy(0, 9, 1, 8)) / 3,
                 of_two = cross_entropy(9, 4, 0, 0) + cross_entropy(9, 4, 1, 0),
                 wanted = (of_one + of_two) / 4;
    expect(std::abs(losses[e].item<double>() - wanted) < 1e-5,
           fmt::format("exit {}: loss {:.6f}, by hand {:.6f}", e + 1, losses[e].item<double>(), wanted));
  }
  const auto rounded = net->losses({one, two}, Precision::bfloat16);
  const double off = std::abs(rounded[1].item<double>() / losses[1].item<double>() - 1);
  expect(rounded[1].scalar_type() == at::kFloat && off > 0 && off < 0.05,
         fmt::format("in bfloat16 nearly the same, as floats: {:.1e} off", off));
}

void gradients() {
  TrainableBert net(tiny(), rough_weights(tiny()), 0, true);
  const std::vector<SquadExample> batch = {{random_window(9, 1), {3}, {4}}, {random_window(21, 2), {7}, {9}}};
  const auto loss = [&] { return at::stack(net->losses(batch)).mean(); };
  loss().backward();
  double worst = 0;
  for (const auto& p : net->named_parameters()) {
    torch::NoGradGuard no_grad;
    const Tensor direction = torch::randn_like(p.value());
    const double length = std::sqrt(direction.pow(2).sum().item<double>());
    const double h = 0.01 / length;
    Tensor value = p.value();
    value.add_(direction, h);
    const double up = loss().item<double>();
    value.sub_(direction, 2 * h);
    const double down = loss().item<double>();
    value.add_(direction, h);
    const double wanted = (up - down) / (2 * h), got = (p.value().grad() * direction).sum().item<double>();
    const double error = std::abs(got - wanted) / std::max(0.5, std::abs(wanted));
    if (error > 0.02)
      expect(false, fmt::format("gradient of {}: {}, by differences {}", p.key(), got, wanted));
    worst = std::max(worst, error);
  }
  expect(worst < 0.02, fmt::format("gradients fit differences of the loss: {:.1e}", worst));

  TrainableBert frozen(tiny(), rough_weights(tiny()), 0, false);
  at::stack(frozen->losses(batch)).mean().backward();
  bool any = false;
  for (const auto& p : frozen->named_parameters())
    any = any || (p.key() == "bert.embeddings.word_embeddings.weight" && p.value().grad().defined());
  expect(!any && frozen->trained().size() + 1 == frozen->parameters().size(),
         "word embeddings that stay as they are have no gradient");
}

// A text has one colour and one number, and questions ask for either.
struct Puzzle {
  std::string folder;
  Vocabulary vocabulary;
  SquadData data;
};

Puzzle make_puzzle(const std::filesystem::path& folder) {
  const std::vector<std::string> colours = {"red", "blue", "green", "black", "white"},
                                 numbers = {"one", "two", "three", "four", "five", "six", "seven"};
  std::ofstream words(folder / "vocab.txt");
  for (const std::string word : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "after", "colour", "number"})
    words << word << "\n";
  for (const auto* list : {&colours, &numbers})
    for (const std::string& word : *list) words << word << "\n";
  words.close();
  Puzzle puzzle{folder.string(), Vocabulary::read((folder / "vocab.txt").string()), {}};
  Random random(7);
  for (int c = 0; c < 40; ++c) {
    const std::string colour = colours[random.below(colours.size())],
                      number = numbers[random.below(numbers.size())];
    std::vector<std::string> text(4, "after");
    for (const std::string& word : {colour, number})
      text.insert(text.begin() + static_cast<std::ptrdiff_t>(random.below(text.size() + 1)), word);
    const std::string context = fmt::format("{}", fmt::join(text, " "));
    for (const auto& [asked, word] : {std::pair("colour", colour), std::pair("number", number)}) {
      SquadQuestion q;
      q.id = fmt::format("{}-{}", c, asked);
      q.question = asked;
      q.context = static_cast<size_t>(c);
      q.answers = {{word, context.find(word)}};
      puzzle.data.questions.push_back(q);
    }
    puzzle.data.contexts.push_back(context);
  }
  return puzzle;
}

BertConfig puzzle_solver() {
  BertConfig c = tiny();
  c.hidden = 32;
  c.heads = 4;
  c.intermediate = 64;
  return c;
}

// So narrow a network hardly learns from matrices as small as those of a BERT.
Weights solver_weights(uint64_t seed) {
  Weights weights = random_weights(puzzle_solver(), seed);
  for (auto& [name, tensor] : weights)
    if (tensor.dim() == 2) tensor.mul_(7.5);
  return weights;
}

// Everything that one training step touches.
struct Solver {
  Solver(const Puzzle& puzzle, uint64_t seed, double dropout)
      : examples(squad_examples(puzzle.data, puzzle.vocabulary, "puzzle").windows) {
    torch::manual_seed(seed);
    net = TrainableBert(puzzle_solver(), solver_weights(seed), dropout, true);
    adamw = std::make_unique<torch::optim::AdamW>(
        std::vector<torch::optim::OptimizerParamGroup>{torch::optim::OptimizerParamGroup(
            net->trained(), std::make_unique<torch::optim::AdamWOptions>(torch::optim::AdamWOptions(3e-3)))});
  }
  double steps(int64_t from, int64_t to) {
    double loss = 0;
    for (int64_t n = from; n < to; ++n) {
      std::vector<SquadExample> batch;
      for (size_t i = 0; i < 12; ++i)
        batch.push_back(examples[(static_cast<size_t>(n) * 12 + i) % examples.size()]);
      adamw->zero_grad();
      const Tensor mean = at::stack(net->losses(batch)).mean();
      mean.backward();
      adamw->step();
      loss = mean.item<double>();
    }
    return loss;
  }
  std::vector<SquadExample> examples;
  TrainableBert net{nullptr};
  std::unique_ptr<torch::optim::AdamW> adamw;
};

void a_puzzle_is_learnt(const Puzzle& puzzle) {
  Solver solver(puzzle, 1, 0);
  const double at_first = solver.steps(0, 1), at_last = solver.steps(1, 250);
  expect(at_first > 1.5 && at_last < 0.5,
         fmt::format("the loss falls from {:.2f} to {:.2f}", at_first, at_last));
  BertReader reader(puzzle_solver(), solver.net->weights());
  const SquadQuality quality = squad_quality(reader, puzzle.data, puzzle.vocabulary);
  expect(quality.f1.back() > 0.9,
         fmt::format("the questions are answered: F1 {:.2f}", fmt::join(quality.f1, ", ")));
  expect(quality.exact.size() == 2 && quality.exact.back() <= quality.f1.back(), "exact match is not more");
}

bool same(const TrainableBert& a, const TrainableBert& b) {
  bool equal = true;
  for (size_t i = 0; i < a->parameters().size(); ++i)
    equal = equal && torch::equal(a->parameters()[i], b->parameters()[i]);
  return equal;
}

void killed_training_goes_on(const Puzzle& puzzle) {
  const std::string path = puzzle.folder + "/questions.checkpoint";
  const nlohmann::ordered_json settings = {{"seed", 3}};
  Solver whole(puzzle, 3, 0.2);
  whole.steps(0, 20);
  Solver first(puzzle, 3, 0.2);
  first.steps(0, 8);
  save_checkpoint(path, {settings, {}, 8, {}}, *first.net, *first.adamw);
  first.steps(8, 10);              // lost in the kill
  Solver second(puzzle, 99, 0.2);  // other weights and random numbers, until the checkpoint is loaded
  second.steps(0, 3);              // and other moments
  const Checkpoint c = load_checkpoint(path, settings, *second.net, *second.adamw);
  second.steps(c.step, 20);
  expect(c.step == 8 && same(whole.net, second.net),
         "a killed training with AdamW ends with the weights of an undisturbed one");
  Solver forgetful(puzzle, 99, 0.2);
  load_checkpoint(path, settings, *forgetful.net, *forgetful.adamw);
  forgetful.adamw = std::make_unique<torch::optim::AdamW>(forgetful.net->trained(), 3e-3);
  forgetful.steps(8, 20);
  expect(!same(whole.net, forgetful.net), "without its moments it would not");
}

void tokens_of_answers(const Puzzle& puzzle) {
  const auto question = [](const std::vector<SquadAnswer>& answers) {
    SquadQuestion q;
    q.id = "q";
    q.question = "after red";
    q.answers = answers;
    return q;
  };
  SquadData data;
  data.contexts = {"red one, blue two green three"};
  data.questions = {question({{"blue two", 9}, {"two", 14}, {"gone", {}}, {"ue", 11}})};
  const auto examples = squad_examples(data, puzzle.vocabulary, "data").windows;
  // [CLS] after red [SEP] red one , blue two green three [SEP]
  expect(examples.size() == 1 && examples[0].window.ids.size() == 12, "a short context is one window");
  expect(examples[0].starts == std::vector<int64_t>({7, 8, 7}) &&
             examples[0].ends == std::vector<int64_t>({8, 8, 7}),
         fmt::format("an answer is the tokens that it touches: {} to {}", fmt::join(examples[0].starts, ", "),
                     fmt::join(examples[0].ends, ", ")));

  SquadWindowSettings narrow;
  narrow.max_length = 9;  // 4 tokens of the context at a time, 3 apart
  narrow.stride = 3;
  narrow.max_question = 2;
  data.questions = {question({{"blue two", 9}})};
  const auto cut = squad_examples(data, puzzle.vocabulary, "data", narrow).windows;
  // red one , blue | blue two green three
  expect(cut.size() == 2, fmt::format("{} windows", cut.size()));
  expect(cut[0].starts == std::vector<int64_t>({0}) && cut[0].ends == std::vector<int64_t>({0}),
         "a window that has only a part of the answer teaches [CLS]");
  expect(cut[1].starts == std::vector<int64_t>({4}) && cut[1].ends == std::vector<int64_t>({5}),
         "the window that has all of it teaches the answer");

  for (int i = 0; i < 199; ++i) data.questions.push_back(data.questions[0]);
  data.questions[5].answers[0].begin.reset();
  data.questions[7].answers[0].begin.reset();
  data.questions[5].id = "five";
  const SquadExamples most = squad_examples(data, puzzle.vocabulary, "data");
  expect(most.questions == 200 && most.left_out == 2 && most.windows.size() == 198,
         "few questions without a position are left out, and counted");
  data.questions[9].answers[0].begin.reset();
  expect_refusal("more of them are an error", "data: question \"five\" and 2 more of 200",
                 [&] { squad_examples(data, puzzle.vocabulary, "data"); });
  data.questions.clear();
  expect_refusal("no questions", "data: no questions",
                 [&] { squad_examples(data, puzzle.vocabulary, "data"); });
}

void write_state(const std::string& path, const Weights& weights, const std::string& without) {
  c10::Dict<std::string, Tensor> dict;
  for (const auto& [name, tensor] : weights)
    dict.insert(name.compare(0, without.size(), without) == 0 ? name.substr(without.size()) : name, tensor);
  const std::vector<char> bytes = torch::pickle_save(dict);
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

void first_weights(const std::filesystem::path& folder) {
  const BertConfig config = tiny();
  const std::string path = (folder / "encoder.pt").string();
  const Weights all = rough_weights(config);
  Weights encoder = all;
  for (const char* head : {"exits.1", "qa_outputs"})
    for (const char* part : {".weight", ".bias"}) encoder.erase(std::string(head) + part);
  encoder["bert.pooler.dense.weight"] = torch::zeros({24, 24});
  encoder["bert.embeddings.position_ids"] = torch::arange(64).view({1, 64});
  for (const char* beginning : {"", "bert."}) {  // taken away
    write_state(path, encoder, beginning);
    const FirstWeights first = read_first_weights(config, path, 5);
    const std::string how = fmt::format("an encoder without \"{}\"", beginning);
    expect(first.new_heads == std::vector<std::string>({"exits.1", "qa_outputs"}), how + " has no heads");
    const std::string name = "bert.encoder.layer.2.output.dense.weight";
    expect(torch::equal(first.weights.at(name), all.at(name)), how + " is read");
    expect(torch::equal(first.weights.at("qa_outputs.weight"),
                        random_weights(config, 5).at("qa_outputs.weight")),
           "its heads are random, of the seed");
    expect_refusal("without heads it cannot be run", "missing: exits.1.bias",
                   [&] { read_weights(config, path); });
  }
  encoder["qa_outputs.weight"] = all.at("qa_outputs.weight");
  write_state(path, encoder, "");
  expect_refusal("half a head", "missing: qa_outputs.bias", [&] { read_first_weights(config, path, 5); });
  encoder["qa_outputs.bias"] = all.at("qa_outputs.bias");
  write_state(path, encoder, "");
  const FirstWeights with_head = read_first_weights(config, path, 5);
  expect(with_head.new_heads == std::vector<std::string>({"exits.1"}) &&
             torch::equal(with_head.weights.at("qa_outputs.weight"), all.at("qa_outputs.weight")),
         "a head that the file has is kept");
  BertConfig shallow = config;
  shallow.layers = 2;
  shallow.exits = {2};
  write_state(path, all, "bert.");
  expect(torch::equal(
             read_first_weights(shallow, path, 5).weights.at("bert.encoder.layer.1.output.dense.weight"),
             all.at("bert.encoder.layer.1.output.dense.weight")),
         "the first layers of a deeper encoder are a beginning");
  BertConfig wider = config;
  wider.hidden = 48;
  expect_refusal("an encoder of another shape", "shape [", [&] { read_first_weights(wider, path, 5); });
  write_state(path, {{"layer1_stripe1_input", torch::zeros({3})}}, "");
  expect_refusal("another network", "missing: bert.embeddings", [&] { read_first_weights(config, path, 5); });
}

void weights_on_disk(const std::filesystem::path& folder) {
  const std::string path = (folder / "questions.pt").string();
  TrainableBert net(tiny(), rough_weights(tiny()), 0, true);
  save_weights(*net, path);
  const Weights back = read_weights(tiny(), path);
  double worst = 0;
  for (const auto& [name, tensor] : net->weights())
    worst = std::max(worst, difference(back.at(name), tensor));
  expect(back.size() == net->parameters().size() && worst < 2e-3,
         fmt::format("the network that is run reads what the training stores: {:.1e}", worst));
}

}  // namespace

int main() {
  at::set_num_threads(1);
  torch::manual_seed(1);
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("alert-question-tests-{}", getpid());
  std::filesystem::create_directories(folder);
  equals_the_reader();
  losses_are_cross_entropies();
  gradients();
  const Puzzle puzzle = make_puzzle(folder);
  tokens_of_answers(puzzle);
  a_puzzle_is_learnt(puzzle);
  killed_training_goes_on(puzzle);
  first_weights(folder);
  weights_on_disk(folder);
  std::filesystem::remove_all(folder);
  fmt::print("{}\n", failures ? fmt::format("{} failures", failures) : "all passed");
  return failures ? 1 : 0;
}
