// BERT with exits on SQuAD v1.1.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/console.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/text_file.h"
#include "commands.h"
#include "core/profile.h"
#include "models/bert.h"
#include "training/squad_examples.h"
#include "training/squad_quality.h"
#include "training/trainable_bert.h"
#include "training/training_run.h"
#include "workloads/squad.h"
#include "workloads/workload.h"

namespace alertbench {
namespace {

// A step reads a batch of windows. For the first tenth of the training the learning rate rises linearly, then
// it falls linearly to zero.
double rate_at(double peak, int64_t step, int64_t steps) {
  const int64_t rising = std::max<int64_t>(1, steps / 10);
  return step < rising ? peak * static_cast<double>(step + 1) / static_cast<double>(rising)
                       : peak * static_cast<double>(steps - step) / static_cast<double>(steps - rising);
}

struct QuestionSplit {
  SquadData training, test;
  Vocabulary vocabulary;
  std::string training_source, test_source;  // for logs
  std::string test_folder;                   // where the test questions can be run from
  std::vector<std::string> test_articles;    // titles; empty where they are a file of their own
};

// train-v1.1.json against dev-v1.1.json where both are there; otherwise the last articles of dev-v1.1.json
// are held back, and written as a data folder of their own.
QuestionSplit split_questions(const std::string& folder, int test_articles, bool articles_given,
                              const std::string& test_folder) {
  namespace fs = std::filesystem;
  const std::string dev_path = folder + "/dev-v1.1.json", training_path = folder + "/train-v1.1.json",
                    vocabulary_path = folder + "/vocab.txt";
  for (const std::string& path : {dev_path, vocabulary_path})
    if (!fs::exists(path))
      throw InputError(fmt::format(
          "{}: no such file; pass the folder with dev-v1.1.json and vocab.txt with --data", path));
  QuestionSplit split;
  split.vocabulary = Vocabulary::read(vocabulary_path);
  const SquadData dev = SquadData::read(dev_path);
  if (fs::exists(training_path)) {
    if (articles_given)
      throw InputError(fmt::format(
          "--test-articles: does not apply, since {} is there, and the test is on all of dev-v1.1.json",
          training_path));
    split.training = SquadData::read(training_path);
    split.test = dev;
    split.training_source = training_path;
    split.test_source = dev_path;
    split.test_folder = folder;
    return split;
  }
  const size_t articles = dev.articles.size(), held_back = static_cast<size_t>(test_articles);
  if (held_back >= articles)
    throw InputError(
        fmt::format("--test-articles {}: {} has only {} articles, and some must be left to train on",
                    test_articles, dev_path, articles));
  const size_t first = articles - held_back;
  split.training = dev.of_articles(0, first);
  split.test = dev.of_articles(first, articles);
  for (const auto* part : {&split.training, &split.test})
    if (part->questions.empty())
      throw InputError(fmt::format("--test-articles {}: the {} articles of {} have no questions",
                                   test_articles, part == &split.test ? "last" : "first", dev_path));
  split.test_articles = {dev.articles.begin() + static_cast<std::ptrdiff_t>(first), dev.articles.end()};
  split.training_source = fmt::format("{}: the first {} of {} articles", dev_path, first, articles);
  split.test_source = fmt::format("{}: the last {} of {} articles", dev_path, held_back, articles);
  split.test_folder = test_folder;
  fs::create_directories(test_folder);
  if (fs::equivalent(folder, test_folder))
    throw InputError(fmt::format(
        "--data {}: is where the questions of the test are written; pass the folder with all of them",
        folder));
  write_squad_articles(dev_path, first, articles, test_folder + "/dev-v1.1.json");
  write_file_atomically(test_folder + "/vocab.txt", read_text_file(vocabulary_path, size_t{16} << 20));
  return split;
}

torch::optim::AdamW adamw_of(const TrainableBert& net, double rate, double weight_decay) {
  std::vector<torch::Tensor> matrices, others;  // biases and norms do not decay
  for (const torch::Tensor& p : net->trained()) (p.dim() == 2 ? matrices : others).push_back(p);
  const auto options = [&](double decay) {
    return std::make_unique<torch::optim::AdamWOptions>(torch::optim::AdamWOptions(rate).weight_decay(decay));
  };
  return torch::optim::AdamW(std::vector<torch::optim::OptimizerParamGroup>{{matrices, options(weight_decay)},
                                                                            {others, options(0)}});
}

SquadQuality test_quality(const TrainableBert& net, const QuestionSplit& split) {
  BertReader reader(net->config, net->weights());
  return squad_quality(reader, split.test, split.vocabulary);
}

void show_answers(const std::string& network, const std::string& when, const SquadQuality& q) {
  say("{}: {}: F1 {:.4f}, exact match {:.4f}", network, when, fmt::join(q.f1, ", "),
      fmt::join(q.exact, ", "));
}

}  // namespace

void train_questions(const Options& o, const NetworkSpec& spec) {
  const int epochs = o.epochs.value_or(3), batch = o.batch.value_or(16);
  const double peak_rate = o.learning_rate.value_or(1e-4), weight_decay = o.weight_decay.value_or(0.01),
               dropout = o.dropout.value_or(0.1), max_norm = o.max_norm.value_or(1);
  if (o.data.empty())
    throw InputError(
        "--data: pass the folder with dev-v1.1.json (and train-v1.1.json, if you have it) and "
        "vocab.txt");
  if (o.method != "joint")
    throw InputError(fmt::format(
        "--method {}: the exits of a network for questions are trained jointly; omit it", o.method));
  const QuestionSplit split =
      split_questions(o.data, o.test_articles.value_or(8), o.test_articles.has_value(),
                      std::filesystem::path(spec.weights).replace_extension(".test").string());
  if (static_cast<int64_t>(split.vocabulary.size()) > spec.bert.vocabulary)
    throw InputError(fmt::format("{}: {}: config: vocabulary: {}, but {}/vocab.txt has {} word pieces",
                                 o.network_file, o.network, spec.bert.vocabulary, o.data,
                                 split.vocabulary.size()));
  at::set_num_threads(o.threads);
  torch::manual_seed(o.seed);
  const FirstWeights first = o.init.empty() ? FirstWeights{random_weights(spec.bert, o.seed), {"all"}}
                                            : read_first_weights(spec.bert, o.init, o.seed);
  TrainableBert net(spec.bert, first.weights, dropout, o.init.empty());
  const std::vector<torch::Tensor> trained = net->trained();
  torch::optim::AdamW adamw = adamw_of(net, peak_rate, weight_decay);

  const SquadExamples examples = squad_examples(split.training, split.vocabulary, split.training_source);
  const auto windows = static_cast<int64_t>(examples.windows.size()),
             windows_an_epoch = o.limit > 0 ? std::min<int64_t>(o.limit, windows) : windows,
             steps_per_epoch = windows_an_epoch / batch, steps = steps_per_epoch * epochs;
  if (steps_per_epoch < 1)
    throw InputError(fmt::format("--batch {}: larger than the {} windows of the training questions", batch,
                                 windows_an_epoch));
  say("{}: {} exits, {} parameters, {} training questions in {} windows ({} left out), {} test questions, {} "
      "threads",
      o.network, spec.stages(), spec.parameters(), examples.questions - examples.left_out, windows,
      examples.left_out, split.test.questions.size(), at::get_num_threads());
  nlohmann::ordered_json settings = {{"seed", o.seed},
                                     {"threads", o.threads},
                                     {"libtorch", TORCH_VERSION},
                                     {"training_data", split.training_source},
                                     {"training_questions", examples.questions - examples.left_out},
                                     {"questions_left_out", examples.left_out},
                                     {"training_windows", windows},
                                     {"test_data", split.test_source},
                                     {"test_questions", split.test.questions.size()},
                                     {"test_articles", split.test_articles},
                                     {"parameters", spec.parameters()},
                                     {"multiply_accumulates", spec.multiply_accumulates()},
                                     {"exits", spec.bert.exits},
                                     {"loss", "mean over the exits"},
                                     {"word_embeddings", o.init.empty() ? "trained" : "as they were"},
                                     {"windows_an_epoch", windows_an_epoch},
                                     {"schedule_epochs", epochs},
                                     {"batch", batch},
                                     {"peak_learning_rate", peak_rate},
                                     {"weight_decay", weight_decay},
                                     {"max_gradient_norm", max_norm},
                                     {"dropout", dropout},
                                     {"new_heads", first.new_heads}};
  if (!o.init.empty()) settings["init_sha256"] = hash_file(o.init).sha256;
  if (o.precision == Precision::bfloat16) settings["precision"] = "bfloat16";
  TrainingRun run({o.network_file, spec, settings, o.command, o.checkpoint_every}, *net, adamw);
  run.begin_from(o.init);

  std::map<std::string, torch::Tensor> state;
  int64_t done = run.resume(state);
  const int last = o.stop_after > 0 ? std::min(o.stop_after, epochs) : epochs;
  for (int epoch = static_cast<int>(run.log["epochs"].size()); epoch < last; ++epoch) {
    const std::vector<int64_t> order =
        sample_order(windows, windows_an_epoch, o.seed + static_cast<uint64_t>(epoch));
    for (int64_t step = done - epoch * steps_per_epoch; step < steps_per_epoch; ++step) {
      const double rate = rate_at(peak_rate, done, steps);
      for (auto& group : adamw.param_groups()) group.options().set_lr(rate);
      std::vector<SquadExample> read;
      for (int64_t i = step * batch; i < (step + 1) * batch; ++i)
        read.push_back(examples.windows[static_cast<size_t>(order[static_cast<size_t>(i)])]);
      adamw.zero_grad();
      const torch::Tensor losses = at::stack(net->losses(read, o.precision));
      losses.mean().backward();
      torch::nn::utils::clip_grad_norm_(trained, max_norm);
      adamw.step();
      ++done;
      const std::vector<float> values(losses.data_ptr<float>(), losses.data_ptr<float>() + losses.numel());
      run.step_done(done, epoch, rate, {values.begin(), values.end()}, 1.0,
                    static_cast<double>(last * steps_per_epoch - done),
                    [] { return std::map<std::string, torch::Tensor>(); });
    }
    const SquadQuality quality = test_quality(net, split);
    show_answers(o.network, fmt::format("epoch {}", epoch + 1), quality);
    run.epoch_done({{"epoch", epoch + 1}, {"test_f1", quality.f1}, {"test_exact", quality.exact}});
  }
  run.store_weights();
  SquadQuality quality = test_quality(net, split);
  show_answers(o.network, "as stored", quality);
  run.log["test_f1_as_stored"] = quality.f1;
  run.log["test_exact_as_stored"] = quality.exact;
  std::string on = fmt::format("{}, {} questions", split.test_source, split.test.questions.size());
  raise_falling_stages(quality.f1, on);
  run.finish({{"f1", quality.f1}, {"exact", quality.exact}, {"source", "measured"}, {"on", on}},
             last == epochs);
  say("{}: to run it on the questions of the test, pass --data squad={}", o.network, split.test_folder);
}

}  // namespace alertbench
