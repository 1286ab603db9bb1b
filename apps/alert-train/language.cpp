// LSTM language models on Penn Treebank, after Zaremba et al. (2014).
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/console.h"
#include "base/error.h"
#include "base/sha256.h"
#include "commands.h"
#include "core/profile.h"
#include "models/striped_lstm.h"
#include "models/striped_resnet.h"
#include "training/orthogonalized_sgd.h"
#include "training/sampled_softmax.h"
#include "training/stage_balance.h"
#include "training/training_run.h"
#include "workloads/ptb.h"

namespace alertbench {
namespace {

// The text as `count` pieces of equal length side by side, [length, count]; up to count - 1 words at the end
// are omitted.
torch::Tensor side_by_side(const std::vector<int32_t>& words, int64_t limit, int64_t count) {
  const int64_t length = std::min<int64_t>(limit, static_cast<int64_t>(words.size())) / count;
  torch::Tensor pieces = torch::empty({count, length}, torch::kLong);
  std::copy(words.begin(), words.begin() + length * count, pieces.data_ptr<int64_t>());
  return pieces.t().contiguous();
}

// How often each word occurs in the text, and at least once.
torch::Tensor word_counts(const std::vector<int32_t>& words, int64_t vocabulary) {
  torch::Tensor counts = torch::zeros({vocabulary}, torch::kLong);
  for (const int32_t word : words) ++counts.data_ptr<int64_t>()[word];
  return counts.clamp_min(1);
}

struct Quality {
  std::vector<double> perplexity, top1;  // per stage
};

// On every word of the split but the first of each of 20 pieces; the state is carried from sentence to
// sentence.
Quality measure(StripedLstm& net, const Ptb& ptb, PtbSplit split) {
  constexpr int64_t count = 20, steps = 20;
  torch::NoGradGuard no_grad;
  net->eval();
  const Ptb::Text& text = ptb.text(split);
  const torch::Tensor pieces = side_by_side(text.words, static_cast<int64_t>(text.words.size()), count);
  if (pieces.size(0) < 2)
    throw InputError(fmt::format("{}: fewer than {} words in split '{}', which is too few to measure on",
                                 ptb.data_source(), 2 * count, name_of(split)));
  const auto stages = static_cast<size_t>(net->config.stripes);
  std::vector<double> loss(stages, 0.0), correct(stages, 0.0);
  LstmState state;
  for (int64_t at = 0; at + 1 < pieces.size(0); at += steps) {
    const int64_t length = std::min(steps, pieces.size(0) - 1 - at);
    const torch::Tensor next = pieces.narrow(0, at + 1, length).reshape({-1});
    const auto scores =
        net->scores(net->forward(pieces.narrow(0, at, length), state).reshape({-1, net->config.units}));
    for (size_t s = 0; s < stages; ++s) {
      const torch::Tensor likelihood = at::log_softmax(scores[s], 1),
                          of_next = likelihood.gather(1, next.view({-1, 1}));
      loss[s] -= of_next.sum().item<double>();
      correct[s] += of_next.ge(likelihood.amax(1, true)).sum().item<double>();
    }
  }
  net->train();
  const auto words = static_cast<double>((pieces.size(0) - 1) * count);
  Quality quality;
  for (size_t s = 0; s < stages; ++s) {
    quality.perplexity.push_back(std::exp(loss[s] / words));
    quality.top1.push_back(correct[s] / words);
  }
  return quality;
}

void show(const std::string& network, const std::string& when, PtbSplit split, const Quality& q) {
  say("{}: {}: {} perplexity {:.2f}, next words predicted correctly {:.4f}", network, when, name_of(split),
      fmt::join(q.perplexity, ", "), fmt::join(q.top1, ", "));
}

std::map<std::string, torch::Tensor> named(const LstmState& state) {
  std::map<std::string, torch::Tensor> all;
  for (size_t l = 0; l < state.hidden.size(); ++l) {
    all.emplace(fmt::format("hidden{}", l), state.hidden[l]);
    all.emplace(fmt::format("cell{}", l), state.cell[l]);
  }
  return all;
}

LstmState from_named(const std::map<std::string, torch::Tensor>& all, int layers) {
  LstmState state;
  for (int l = 0; l < layers; ++l) {
    state.hidden.push_back(all.at(fmt::format("hidden{}", l)));
    state.cell.push_back(all.at(fmt::format("cell{}", l)));
  }
  return state;
}

}  // namespace

void train_language(const Options& o, const NetworkSpec& spec) {
  const int epochs = o.epochs.value_or(13), batch = o.batch.value_or(20);
  const double peak_rate = o.learning_rate.value_or(1.0), weight_decay = o.weight_decay.value_or(0.0),
               max_norm = o.max_norm.value_or(5), dropout = o.dropout.value_or(0);
  const TrainingMethod method = training_method(o.method);
  if (o.data.empty())
    throw InputError("--data: pass the folder with ptb.train.txt and ptb.valid.txt, or \"synthetic\"");
  const Ptb ptb = o.data == "synthetic" ? Ptb::synthetic(1) : Ptb(o.data);
  if (ptb.vocabulary_size() != spec.lstm.vocabulary)
    throw InputError(fmt::format("{}: {}: config: vocabulary: {}, but {}", o.network_file, o.network,
                                 spec.lstm.vocabulary, ptb.data_source()));
  at::set_num_threads(o.threads);
  torch::manual_seed(o.seed);
  StripedLstm net(spec.lstm, dropout);
  const std::vector<torch::Tensor> parameters = net->parameters();
  torch::optim::SGD sgd(parameters,
                        torch::optim::SGDOptions(peak_rate).momentum(o.momentum).weight_decay(weight_decay));
  if (!o.init.empty()) load_weights(*net, o.init);
  const std::vector<torch::Tensor> balance = stage_balance(net);
  const int64_t numbers = net->config.parameters();
  const auto macs = net->config.multiply_accumulates();

  const std::vector<int32_t>& words = ptb.text(PtbSplit::train).words;
  const auto all_words = static_cast<int64_t>(words.size());
  const torch::Tensor pieces = side_by_side(words, o.limit > 0 ? o.limit : all_words, batch);
  const int64_t steps_per_epoch = (pieces.size(0) - 1) / o.steps;
  if (steps_per_epoch < 1)
    throw InputError(
        fmt::format("--batch {} of --steps {}: the text has only {} words", batch, o.steps, all_words));
  say("{}: {} stages, {} parameters, {:.2f} M multiply-accumulates per word, {} steps per epoch, {} threads",
      o.network, spec.stages(), numbers, static_cast<double>(macs.back()) / 1e6, steps_per_epoch,
      at::get_num_threads());

  const Ptb::Unigram guess = ptb.unigram(PtbSplit::valid);
  nlohmann::ordered_json settings = {
      {"seed", o.seed},
      {"threads", o.threads},
      {"libtorch", TORCH_VERSION},
      {"data", ptb.data_source()},
      {"unigram_valid", {{"perplexity", guess.perplexity}, {"top1", guess.accuracy}}},
      {"parameters", numbers},
      {"multiply_accumulates", macs},
      {"loss", describe(method)},
      {"words_an_epoch", steps_per_epoch * o.steps * batch},
      {"schedule_epochs", epochs},
      {"batch", batch},
      {"steps_unrolled", o.steps},
      {"peak_learning_rate", peak_rate},
      {"learning_rate_decay", o.decay},
      {"decay_after_epochs", o.decay_after},
      {"max_gradient_norm", max_norm},
      {"dropout", dropout},
      {"momentum", o.momentum},
      {"weight_decay", weight_decay}};
  if (o.sampled_epochs > 0) {
    settings["sampled_epochs"] = o.sampled_epochs;
    settings["sampled_words"] = o.sampled_words;
  }
  const torch::Tensor chances =
      sampling_chances(word_counts(words, spec.lstm.vocabulary), static_cast<double>(o.sampled_words));
  if (!o.init.empty()) settings["init_sha256"] = hash_file(o.init).sha256;
  if (o.precision == Precision::bfloat16) settings["precision"] = "bfloat16";
  TrainingRun run({o.network_file, spec, settings, o.command, o.checkpoint_every}, *net, sgd);
  run.begin_from(o.init);

  std::map<std::string, torch::Tensor> saved;
  int64_t done = run.resume(saved);
  LstmState state;
  if (done % steps_per_epoch != 0) state = from_named(saved, spec.lstm.layers);
  const int last = o.stop_after > 0 ? std::min(o.stop_after, epochs) : epochs;
  for (int epoch = static_cast<int>(run.log["epochs"].size()); epoch < last; ++epoch) {
    const double rate = peak_rate * std::pow(o.decay, std::max(0, epoch + 1 - o.decay_after));
    for (auto& group : sgd.param_groups()) static_cast<torch::optim::SGDOptions&>(group.options()).lr(rate);
    int64_t step = done - epoch * steps_per_epoch;
    if (step == 0) state = LstmState();
    for (; step < steps_per_epoch; ++step) {
      const RoundedProducts rounded(o.precision);
      const torch::Tensor hidden = net->forward(pieces.narrow(0, step * o.steps, o.steps), state);
      const torch::Tensor next = pieces.narrow(0, step * o.steps + 1, o.steps);
      const torch::Tensor losses = epoch < o.sampled_epochs
                                       ? net->stage_losses(hidden, sample_words(chances, next))
                                       : net->stage_losses(hidden, next);
      const std::vector<float> values(losses.data_ptr<float>(), losses.data_ptr<float>() + losses.numel());
      // Learning rate and longest gradient are those for the sum over the unrolled words.
      set_gradients((losses * static_cast<double>(o.steps)).unbind(0), parameters, method);
      if (method == TrainingMethod::balanced) scale_gradients(parameters, balance);
      torch::nn::utils::clip_grad_norm_(parameters, max_norm);
      sgd.step();
      ++done;
      run.step_done(done, epoch, rate, {values.begin(), values.end()}, 1.0,
                    static_cast<double>(last * steps_per_epoch - done), [&] { return named(state); });
    }
    const Quality quality = measure(net, ptb, PtbSplit::valid);
    show(o.network, fmt::format("epoch {}", epoch + 1), PtbSplit::valid, quality);
    run.epoch_done({{"epoch", epoch + 1},
                    {"learning_rate", rate},
                    {"valid_perplexity", quality.perplexity},
                    {"valid_top1", quality.top1}});
  }
  run.store_weights();
  Quality quality;
  PtbSplit split = PtbSplit::valid;
  for (const PtbSplit of : {PtbSplit::valid, PtbSplit::test}) {
    if (!ptb.has(of)) continue;
    split = of;
    quality = measure(net, ptb, split);
    show(o.network, "as stored", split, quality);
    run.log[fmt::format("{}_perplexity_as_stored", name_of(split))] = quality.perplexity;
    run.log[fmt::format("{}_top1_as_stored", name_of(split))] = quality.top1;
  }
  std::string on = fmt::format("{}; split '{}'", ptb.data_source(), name_of(split));
  const double guess_perplexity = ptb.unigram(split).perplexity;
  std::vector<double> in_quality = language_quality(quality.perplexity, guess_perplexity);
  raise_falling_stages(in_quality, on);
  for (size_t s = 0; s < quality.perplexity.size(); ++s)
    quality.perplexity[s] =
        std::min(quality.perplexity[s], s == 0 ? guess_perplexity : quality.perplexity[s - 1]);
  run.finish({{"top1", quality.top1},
              {"perplexity", quality.perplexity},
              {"guess_perplexity", guess_perplexity},
              {"source", "measured"},
              {"on", on}},
             last == epochs);
}

}  // namespace alertbench
