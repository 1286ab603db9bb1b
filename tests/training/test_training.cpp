// Language models and training against LibTorch itself. A plain program: Catch2's CHECK and c10's do not go
// together.
#include <fmt/format.h>
#include <torch/torch.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>

#include "base/error.h"
#include "expect.h"
#include "models/lstm_network.h"
#include "models/striped_lstm.h"
#include "models/striped_resnet.h"
#include "training/checkpoint.h"
#include "training/distillation.h"
#include "training/mixed_precision.h"
#include "training/orthogonalized_sgd.h"
#include "training/sampled_softmax.h"
#include "training/stage_balance.h"

using namespace alertbench;
using torch::Tensor;

namespace {

double difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

LstmConfig tiny(int stripes) {
  LstmConfig c;
  c.vocabulary = 23;
  c.units = 12;
  c.layers = 2;
  c.stripes = stripes;
  return c;
}

// Far from zero, so that a mistake is not lost in rounding.
StripedLstm random_model(const LstmConfig& config) {
  StripedLstm net(config);
  torch::NoGradGuard no_grad;
  for (auto& p : net->parameters()) p.normal_(0.0, 0.4);
  return net;
}

Tensor random_words(const LstmConfig& config, int64_t steps, int64_t batch) {
  return torch::randint(config.vocabulary, {steps, batch}, torch::kLong);
}

// LibTorch wants the gates as input, forget, candidate, output.
Tensor reordered(const Tensor& rows) {
  const auto g = rows.chunk(4, 0);
  return at::cat({g[0], g[1], g[3], g[2]});
}

void one_stripe_equals_libtorch() {
  const LstmConfig config = tiny(1);
  StripedLstm net = random_model(config);
  const Tensor words = random_words(config, 7, 3), next = random_words(config, 7, 3);
  std::vector<Tensor> weights;
  for (const auto& layer : net->layers) {
    weights.push_back(reordered(layer[0].input));
    weights.push_back(reordered(layer[0].recurrent));
    weights.push_back(reordered(layer[0].bias));
    weights.push_back(torch::zeros({4 * config.units}));
  }
  LstmState state = net->empty_state(3);
  for (auto& t : state.hidden) t.normal_();
  for (auto& t : state.cell) t.normal_();
  const auto [out, hidden, cell] =
      at::lstm(at::embedding(net->embedding, words), {at::stack(state.hidden), at::stack(state.cell)},
               weights, true, 2, 0.0, true, false, false);
  const Tensor wanted_loss = torch::nn::functional::cross_entropy(
      at::matmul(out.reshape({-1, config.units}), net->embedding.t()) + net->output_bias[0],
      next.reshape({-1}));
  wanted_loss.backward();
  std::vector<Tensor> wanted;
  for (auto& p : net->parameters()) wanted.push_back(p.grad().clone());
  net->zero_grad();

  const Tensor got = net->forward(words, state);
  expect(difference(got, out) < 1e-5, "one stripe computes what at::lstm computes");
  expect(difference(at::stack(state.hidden), hidden) < 1e-5 && difference(at::stack(state.cell), cell) < 1e-5,
         "and leaves the same state");
  const Tensor loss = net->stage_losses(got, next);
  expect(difference(loss[0], wanted_loss) < 1e-5, "and has the same loss");
  loss.sum().backward();
  const auto parameters = net->named_parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    expect(difference(parameters[i].value().grad(), wanted[i]) <
               1e-5 * std::max(1.0, wanted[i].abs().max().item<double>()),
           fmt::format("and the same gradient of {}", parameters[i].key()));
}

// The losses' gradients against differences of the losses.
void nested_gradients() {
  const LstmConfig config = tiny(3);
  StripedLstm net = random_model(config);
  const Tensor words = random_words(config, 5, 2), next = random_words(config, 5, 2);
  const auto losses = [&] {
    LstmState state;
    return net->stage_losses(net->forward(words, state), next);
  };
  const Tensor all = losses();
  {
    torch::NoGradGuard no_grad;
    LstmState state;
    const auto scores = net->scores(net->forward(words, state).reshape({-1, config.units}));
    for (size_t s = 0; s < scores.size(); ++s)
      expect(difference(torch::nn::functional::cross_entropy(scores[s], next.reshape({-1})),
                        all[static_cast<int64_t>(s)]) < 1e-5,
             fmt::format("loss of stage {} is the cross entropy of its scores", s + 1));
  }
  const auto parameters = net->parameters();
  for (int64_t k = 0; k < 3; ++k) {
    const auto gradients = torch::autograd::grad({losses()[k]}, parameters, {}, {}, false, true);
    double worst = 0;
    for (size_t i = 0; i < parameters.size(); ++i) {
      torch::NoGradGuard no_grad;
      const Tensor direction = torch::randn_like(parameters[i]);
      const float h = 2e-3f;
      parameters[i].add_(direction, h);
      const double up = losses()[k].item<double>();
      parameters[i].sub_(direction, 2 * h);
      const double down = losses()[k].item<double>();
      parameters[i].add_(direction, h);
      const double wanted = (up - down) / (2 * h);
      const double got = gradients[i].defined() ? (gradients[i] * direction).sum().item<double>() : 0.0;
      worst = std::max(worst, std::abs(got - wanted) / std::max(0.1, std::abs(wanted)));
    }
    expect(worst < 0.01,
           fmt::format("gradient of stage {} fits differences of its loss: {:.1e}", k + 1, worst));
  }
}

void stages_nest() {
  const LstmConfig config = tiny(3);
  StripedLstm net = random_model(config);
  torch::NoGradGuard no_grad;
  const Tensor words = random_words(config, 6, 2);
  LstmState state;
  const auto before = net->scores(net->forward(words, state));

  // Disturb everything of the last stripe: only the last stage may notice.
  for (auto& layer : net->layers) {
    layer[2].input.add_(0.3);
    layer[2].recurrent.add_(0.3);
    layer[2].bias.add_(0.3);
  }
  net->embedding.narrow(1, 8, 4).add_(0.3);
  net->output_bias[2].add_(0.3);
  state = LstmState();
  const auto after = net->scores(net->forward(words, state));
  for (size_t s = 0; s < 2; ++s)
    expect(torch::equal(before[s], after[s]), fmt::format("stage {} reads no later stripe", s + 1));
  expect(!torch::equal(before[2], after[2]), "stage 3 reads its own stripe");

  const auto macs = net->config.multiply_accumulates();
  // Stripes of 4 units: 16 x (4, 8, 12) twice in each of 2 layers, and 4 x 23 of the output layer.
  expect(macs == std::vector<int64_t>({348, 348 + 604, 348 + 604 + 860}),
         fmt::format("multiply-accumulates: {}", fmt::join(macs, ", ")));
  int64_t numbers = 0;
  for (const auto& p : net->parameters()) numbers += p.numel();
  expect(net->config.parameters() == numbers, fmt::format("{} parameters", numbers));
}

void large_scores_stay_finite() {
  StripedLstm net = random_model(tiny(2));
  torch::NoGradGuard no_grad;
  net->output_bias.mul_(0).add_(torch::linspace(0, 4000, 23));
  LstmState state;
  const Tensor losses = net->stage_losses(net->forward(torch::zeros({3, 2}, torch::kLong), state),
                                          torch::zeros({3, 2}, torch::kLong));
  expect(torch::isfinite(losses).all().item<bool>() && losses[0].item<double>() > 3900,
         "scores of 4000 give a finite, exact loss");
}

void weights_on_disk(const std::filesystem::path& folder) {
  StripedLstm net = random_model(tiny(3)), other = random_model(tiny(3));
  const std::string path = (folder / "lstm.pt").string();
  save_weights(*net, path);
  load_weights(*other, path);
  double worst = 0;
  for (size_t i = 0; i < net->parameters().size(); ++i)
    worst = std::max(worst, difference(net->parameters()[i], other->parameters()[i]));
  expect(worst > 0 && worst < 2e-3, fmt::format("weights come back in half precision: {:.1e}", worst));
  expect_refusal("weights of another number of stripes", "unknown: layer1_stripe3_input", [&] {
    StripedLstm two(tiny(2));
    load_weights(*two, path);
  });
}

void orthogonalization() {
  const auto t = [](std::vector<float> v) { return torch::tensor(v); };
  std::vector<std::vector<Tensor>> g{{t({2, 0, 0}), t({1, 1}), Tensor(), Tensor()},
                                     {t({3, 4, 0}), t({1, 1}), t({5}), Tensor()},
                                     {t({1, 1, 1}), t({0, 2}), t({7}), Tensor()}};
  const auto sum = orthogonalize(g);
  expect(torch::allclose(g[1][0], t({0, 4, 0})) && torch::allclose(g[2][0], t({0, 0, 1})),
         "later gradients lose what lies along earlier ones");
  expect(torch::allclose(sum[0], t({2, 4, 1})), "and the step is their sum");
  // Stage 2 adds nothing to stage 1's direction, and leaves stage 3 what is orthogonal to that.
  expect(torch::allclose(sum[1], t({0, 2})), "a gradient within the earlier ones vanishes");
  expect(torch::allclose(sum[2], t({5})),
         "of a parameter that the first stage does not use, the second comes first");
  expect(!sum[3].defined(), "a parameter that no stage uses has no gradient");
  expect_refusal("an unknown method", "joint, balanced or orthogonalized", [] { training_method("serial"); });

  const LstmConfig config = tiny(3);
  StripedLstm net = random_model(config);
  const Tensor words = random_words(config, 5, 4), next = random_words(config, 5, 4);
  const auto losses = [&] {
    LstmState state;
    return net->stage_losses(net->forward(words, state), next).unbind(0);
  };
  const auto parameters = net->parameters();
  std::vector<std::vector<Tensor>> of_stage;
  std::vector<double> wanted(parameters.size(), 0.0);
  for (int k = 0; k < 3; ++k)
    of_stage.push_back(
        torch::autograd::grad({losses()[static_cast<size_t>(k)]}, parameters, {}, {}, false, true));

  set_gradients(losses(), parameters, TrainingMethod::joint);
  double worst = 0;
  for (size_t p = 0; p < parameters.size(); ++p) {
    Tensor s = torch::zeros_like(parameters[p]);
    for (const auto& of : of_stage)
      if (of[p].defined()) s += of[p];
    worst = std::max(worst, difference(parameters[p].grad(), s));
  }
  expect(worst < 1e-5, "joint: the sum of the stages' gradients");

  set_gradients(losses(), parameters, TrainingMethod::orthogonalized);
  // What the later stages add is orthogonal to the first stage's gradient, in every tensor.
  worst = 0;
  bool other = false;
  for (size_t p = 0; p < parameters.size(); ++p) {
    if (!of_stage[0][p].defined()) continue;
    const Tensor first = of_stage[0][p], added = parameters[p].grad() - first;
    worst = std::max(worst, std::abs((added * first).sum().item<double>()) /
                                (1e-12 + (first * first).sum().item<double>()));
    other =
        other || difference(parameters[p].grad(), of_stage[0][p] + of_stage[1][p] + of_stage[2][p]) > 1e-3;
  }
  expect(worst < 1e-4,
         fmt::format("orthogonalized: later stages leave the first one's direction alone: {:.1e}", worst));
  expect(other, "orthogonalized is not joint");
}

void distillation(const std::filesystem::path& folder) {
  const Tensor scores = torch::randn({7, 5}).requires_grad_(), teacher = torch::randn({7, 5}),
               labels = torch::randint(5, {7}, torch::kLong);
  const auto loss = [&](double weight, double temperature) {
    return distillation_loss(scores, labels, teacher, {temperature, weight});
  };
  const Tensor by_label = torch::nn::functional::cross_entropy(scores, labels);
  expect(difference(loss(0, 3), by_label) < 1e-6, "a teacher of weight 0 leaves the labels alone");
  const Tensor by_teacher =
      9 * at::kl_div(at::log_softmax(scores / 3.0, 1), at::softmax(teacher / 3.0, 1), at::Reduction::Sum) / 7;
  expect(difference(loss(1, 3), by_teacher) < 1e-5,
         "of weight 1, the divergence at its temperature, squared");
  expect(difference(loss(0.25, 3), 0.75 * by_label + 0.25 * by_teacher) < 1e-5, "of another, both");
  const Tensor same = (teacher + 2).requires_grad_();
  const auto gradient = torch::autograd::grad({distillation_loss(same, labels, teacher, {2, 1})}, {same});
  expect(gradient[0].abs().max().item<double>() < 1e-6, "who scores as the teacher does has learned it");

  int computed = 0;
  const std::string path = (folder / "teacher.pt").string();
  const auto scores_for = [&](const std::string& key) {
    return kept_scores(path, key, {2, 3, 4}, [&] {
      return torch::full({2, 3, 4}, ++computed, torch::kFloat);
    });
  };
  const Tensor first = scores_for("a");
  expect(computed == 1 && torch::equal(first, scores_for("a")) && computed == 1, "scores are computed once");
  expect(scores_for("b").max().item<float>() == 2, "and again for another teacher");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  expect(scores_for("b").max().item<float>() == 3 && scores_for("b").max().item<float>() == 3,
         "a torn file is replaced");
}

void mixed_precision() {
  ResnetConfig config;
  config.in_channels = 1;
  config.classes = 5;
  config.input_size = 12;
  config.stem_width = 16;
  config.stem_pool = false;
  config.stripes = 2;
  config.groups = {{1, 16, 1}};
  StripedResnet net(config);
  const Tensor x = torch::randn({4, 1, 12, 12});
  const auto exact = net->forward(x);
  const auto rounded = [&] {
    const MixedPrecision precision(Precision::bfloat16);
    return net->forward(x);
  }();
  const double off = difference(as_floats(rounded)[1], exact[1]) / exact[1].abs().max().item<double>();
  expect(rounded[1].scalar_type() == at::kBFloat16 && off > 0 && off < 0.05,
         fmt::format("layers round to bfloat16: {:.1e} off", off));
  as_floats(rounded)[1].sum().backward();
  expect(net->parameters()[0].grad().scalar_type() == at::kFloat, "gradients of weights are floats");
  expect(net->forward(x)[0].scalar_type() == at::kFloat, "and the layers are exact again afterwards");
  {
    const MixedPrecision precision(Precision::float32);
    expect(net->forward(x)[0].scalar_type() == at::kFloat, "float32 changes nothing");
  }
  {  // weights that were cast once are cast again when they have changed
    torch::NoGradGuard no_grad;
    const MixedPrecision precision(Precision::bfloat16);
    net->heads[0]->weight.mul_(2);
    expect(difference(as_floats(net->forward(x))[0], as_floats(rounded)[0]) > 0, "changed weights count");
  }
  const auto products = [] { const RoundedProducts rounded_products(Precision::bfloat16); };
  if (TORCH_VERSION_MAJOR < 2)
    expect_refusal("products of an old LibTorch", "needs LibTorch 2", products);
  else
    products();
  expect(at::globalContext().float32MatmulPrecision() == at::Float32MatmulPrecision::HIGHEST,
         "products are exact again afterwards");
  expect_refusal("another precision", "use float32 or bfloat16", [] { precision_of("half"); });
}

void sampled_softmax() {
  const Tensor counts = torch::arange(1, 24, torch::kLong);
  const Tensor chances = sampling_chances(counts, 9);
  expect(std::abs(chances.sum().item<double>() - 9) < 1e-4 && chances.max().item<double>() <= 1,
         "chances add up to the words wanted");
  expect(std::abs((chances[3] / chances[0]).item<double>() - std::pow(4, 0.75)) < 1e-4,
         "and grow with the counts");
  expect(sampling_chances(counts, 23).min().item<double>() > 0.999,
         "all words are certain if all are wanted");

  StripedLstm net = random_model(tiny(3));
  LstmState state;
  const Tensor hidden = net->forward(random_words(tiny(3), 4, 5), state).detach().requires_grad_();
  const Tensor next = random_words(tiny(3), 4, 5);
  const auto gradients = [&](const Tensor& losses) {
    return torch::autograd::grad({(losses * torch::tensor({0.5, 1.0, 2.0}, torch::kFloat)).sum()},
                                 {hidden, net->embedding, net->output_bias});
  };
  const Tensor full = net->stage_losses(hidden, next);
  const Tensor all = net->stage_losses(hidden, sample_words(torch::ones({23}), next));
  expect(difference(full, all) < 1e-5, "a sample of all words gives the loss of the full softmax");
  const auto wanted = gradients(full), got = gradients(all);
  for (size_t i = 0; i < wanted.size(); ++i)
    expect(difference(wanted[i], got[i]) < 1e-5, fmt::format("and its gradient: {}", i));

  // exp(loss) is the estimated sum of exponentials over the exponential of the word that came next.
  const Tensor one = hidden[0][0].detach(), its_next = next[0][0];
  const Tensor exact = net->stage_losses(one, its_next).exp();
  Tensor sum = torch::zeros({3}, torch::kDouble), squares = torch::zeros({3}, torch::kDouble);
  constexpr int draws = 4000;
  bool has_next = true;
  double words = 0;
  for (int i = 0; i < draws; ++i) {
    const WordSample sample = sample_words(chances, its_next);
    has_next = has_next && sample.words[sample.next[0]].item<int64_t>() == its_next.item<int64_t>() &&
               sample.log_chance[sample.next[0]].item<float>() == 0;
    words += static_cast<double>(sample.words.numel()) / draws;
    const Tensor estimate = net->stage_losses(one, sample).exp().to(torch::kDouble).detach();
    sum += estimate;
    squares += estimate * estimate;
  }
  const Tensor mean = sum / draws, error = ((squares / draws - mean * mean) / draws).sqrt();
  expect(has_next, "the word that comes next is in every sample, with certainty");
  expect(words > 8.5 && words < 10.5, fmt::format("samples have {:.2f} words", words));
  const double off = ((mean - exact) / error).abs().max().item<double>();
  expect(off < 4.5 && (error / exact).max().item<double>() < 0.05,
         fmt::format("the estimate of the sum is unbiased: {:.1f} standard errors off", off));
}

// Everything that one training step touches: momentum, dropout, the state from step to step.
struct Training {
  Training(uint64_t seed, TrainingMethod how) : method(how) {
    torch::manual_seed(seed);
    net = StripedLstm(tiny(2), 0.3);
    sgd = std::make_unique<torch::optim::SGD>(net->parameters(),
                                              torch::optim::SGDOptions(0.5).momentum(0.9).nesterov(true));
    text = torch::randint(23, {200, 4}, at::detail::createCPUGenerator(5), torch::kLong);
  }
  void steps(int64_t from, int64_t to) {
    for (int64_t n = from; n < to; ++n) {
      const Tensor hidden = net->forward(text.narrow(0, 5 * n, 5), state);
      set_gradients(net->stage_losses(hidden, text.narrow(0, 5 * n + 1, 5)).unbind(0), net->parameters(),
                    method);
      sgd->step();
    }
  }
  StripedLstm net{nullptr};
  std::unique_ptr<torch::optim::SGD> sgd;
  Tensor text;
  LstmState state;
  TrainingMethod method;
};

bool same(StripedLstm& a, StripedLstm& b) {
  bool equal = true;
  for (size_t i = 0; i < a->parameters().size(); ++i)
    equal = equal && torch::equal(a->parameters()[i], b->parameters()[i]);
  return equal;
}

void killed_training_goes_on(const std::filesystem::path& folder, TrainingMethod method) {
  const std::string path = (folder / "training.checkpoint").string();
  Training whole(3, method);
  whole.steps(0, 30);
  const nlohmann::ordered_json settings = {{"lr", 0.5}, {"seed", 3}};
  Training first(3, method);
  first.steps(0, 11);
  save_checkpoint(path,
                  {settings,
                   {{"note", "so far"}},
                   11,
                   {{"h0", first.state.hidden[0]},
                    {"h1", first.state.hidden[1]},
                    {"c0", first.state.cell[0]},
                    {"c1", first.state.cell[1]}}},
                  *first.net, *first.sgd);
  first.steps(11, 14);          // lost in the kill
  Training second(99, method);  // other random numbers, other weights, until the checkpoint is loaded
  Checkpoint c = load_checkpoint(path, settings, *second.net, *second.sgd);
  second.state = {{c.state["h0"], c.state["h1"]}, {c.state["c0"], c.state["c1"]}};
  second.steps(c.step, 30);
  expect(c.step == 11 && c.log["note"] == "so far", "a checkpoint brings back step and log");
  expect(same(whole.net, second.net),
         "a killed training ends with the weights of an undisturbed one: " + describe(method));

  Training third(99, method);
  third.steps(0, 30);
  expect(!same(whole.net, third.net), "another seed ends with other weights");
  Training fourth(3, method);
  fourth.steps(0, 30);
  expect(same(whole.net, fourth.net), "the same seed with the same");
}

void bad_checkpoints(const std::filesystem::path& folder) {
  const std::string path = (folder / "bad.checkpoint").string();
  const nlohmann::ordered_json settings = {{"lr", 0.5}, {"seed", 3}};
  Training t(3, TrainingMethod::joint), other(4, TrainingMethod::joint), untouched(4, TrainingMethod::joint);
  t.steps(0, 2);
  save_checkpoint(path, {settings, {}, 2, {}}, *t.net, *t.sgd);
  expect_refusal("a checkpoint of another training", "lr: checkpoint 0.5, now 0.25", [&] {
    load_checkpoint(path, {{"lr", 0.25}, {"seed", 3}}, *other.net, *other.sgd);
  });
  expect_refusal("a checkpoint with a setting more", "seed: checkpoint 3, now absent", [&] {
    load_checkpoint(path, {{"lr", 0.5}}, *other.net, *other.sgd);
  });
  expect_refusal("a checkpoint of another network", "does not match the network at parameter", [&] {
    StripedLstm three(tiny(3));
    load_checkpoint(path, settings, *three, *other.sgd);
  });
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  for (const size_t length : {size_t{0}, size_t{1}, bytes.size() / 2, bytes.size() - 1}) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(length));
    expect_refusal(fmt::format("a checkpoint torn at {} of {} bytes", length, bytes.size()), "truncated",
                   [&] { load_checkpoint(path, settings, *other.net, *other.sgd); });
  }
  save_weights(*t.net, path);
  expect_refusal("a weights file", "not a checkpoint",
                 [&] { load_checkpoint(path, settings, *other.net, *other.sgd); });
  expect_refusal("no file", "cannot be read",
                 [&] { load_checkpoint((folder / "none").string(), settings, *other.net, *other.sgd); });
  expect(same(other.net, untouched.net), "a refused checkpoint changes nothing");
}

// `stage` runs the network and returns the loss of one stage.
void balance_is_the_mean_over_users(const char* name, const std::vector<Tensor>& parameters, int stages,
                                    const std::vector<Tensor>& balance,
                                    const std::function<Tensor(int)>& loss) {
  std::vector<Tensor> sum, users;
  for (const Tensor& p : parameters) {
    sum.push_back(torch::zeros_like(p));
    users.push_back(torch::zeros_like(p));
  }
  for (int s = 0; s < stages; ++s) {
    const auto gradients = torch::autograd::grad({loss(s)}, parameters, {}, false, false, true);
    for (size_t p = 0; p < parameters.size(); ++p) {
      if (!gradients[p].defined()) continue;
      sum[p] += gradients[p];
      users[p] += gradients[p].ne(0);
    }
  }
  for (size_t p = 0; p < parameters.size(); ++p) {
    parameters[p].mutable_grad() = sum[p].clone();
    expect(users[p].max().item<double>() > 0, fmt::format("{}: parameter {} is used", name, p));
  }
  scale_gradients(parameters, balance);
  for (size_t p = 0; p < parameters.size(); ++p) {
    // Where a unit is dead by chance, its parameters have no gradient, whatever they are multiplied with.
    const Tensor wanted = sum[p] / users[p].clamp_min(1);
    expect(difference(parameters[p].grad(), wanted) <= 1e-6 * (1 + wanted.abs().max().item<double>()),
           fmt::format("{}: parameter {} gets the mean over the stages that use it", name, p));
  }
}

void stages_are_balanced() {
  const LstmConfig config = tiny(3);
  StripedLstm lstm = random_model(config);
  const Tensor words = random_words(config, 4, 5), next = random_words(config, 4, 5);
  balance_is_the_mean_over_users("lstm", lstm->parameters(), 3, stage_balance(lstm), [&](int s) {
    LstmState state;
    return lstm->stage_losses(lstm->forward(words, state), next)[s];
  });
  ResnetConfig r;
  r.in_channels = 1;
  r.classes = 5;
  r.input_size = 8;
  r.stripes = 2;
  r.stem_width = 8;
  r.stem_kernel = 3;
  r.stem_stride = 1;
  r.stem_pool = false;
  r.groups = {{1, 8, 1}, {1, 16, 2}};
  StripedResnet resnet(r);
  torch::NoGradGuard no_grad;
  for (auto& p : resnet->named_parameters())
    if (p.key().find("bn") != std::string::npos) p.value().uniform_(0.5, 1.5);
  at::AutoGradMode on(true);
  const Tensor x = torch::randn({6, 1, 8, 8}), labels = torch::randint(5, {6}, torch::kLong);
  // A weight outside the mask is used by nobody, and gets nothing.
  balance_is_the_mean_over_users("resnet", resnet->parameters(), 2, stage_balance(resnet), [&](int s) {
    return torch::nn::functional::cross_entropy(resnet->forward(x)[static_cast<size_t>(s)], labels);
  });
}

// As a scenario runs it: each word alone, stage by stage, from the state behind the words before, also after
// going back.
void word_by_word_equals_text(int stripes) {
  const LstmConfig config = tiny(stripes);
  StripedLstm net = random_model(config);
  const Tensor words = random_words(config, 9, 1);
  std::vector<int32_t> text;
  for (int64_t n = 0; n < 9; ++n) text.push_back(static_cast<int32_t>(words[n][0].item<int64_t>()));
  LstmState state;
  torch::NoGradGuard no_grad;
  net->eval();
  const auto whole = net->scores(net->forward(words.narrow(0, 2, 7), state));  // the passage begins at word 2
  const auto model = compile(net);
  expect(model->stages() == stripes, "a stage for each stripe");
  expect(model->blocks(0) == 3, "a block for each layer, and one for the scores");
  for (const int64_t n : {2, 3, 6, 4, 8, 2}) {
    model->set_input(WordInText{&text, 2, n});
    for (int stage = 0; stage < stripes; ++stage) {
      for (int block = 0; block < model->blocks(stage); ++block) model->run_block(stage, block);
      const std::vector<float> scores = model->scores(stage);
      const Tensor wanted = at::log_softmax(whole[static_cast<size_t>(stage)][n - 2][0], 0);
      expect(difference(torch::tensor(scores), wanted) < 1e-5,
             fmt::format("word {}, stage {} of {}", n, stage + 1, stripes));
    }
    model->run_block(0, 0);  // again, stopped before an answer: the next word must not notice
    model->run_block(0, 1);
  }
  expect_refusal("an image to an LSTM", "reads words", [&] { model->set_input(Image{}); });
}

}  // namespace

int main() {
  at::set_num_threads(1);
  torch::manual_seed(1);
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / fmt::format("alert-training-tests-{}", getpid());
  std::filesystem::create_directories(folder);
  one_stripe_equals_libtorch();
  nested_gradients();
  stages_nest();
  large_scores_stay_finite();
  weights_on_disk(folder);
  orthogonalization();
  distillation(folder);
  mixed_precision();
  sampled_softmax();
  stages_are_balanced();
  word_by_word_equals_text(1);
  word_by_word_equals_text(3);
  for (const TrainingMethod method : {TrainingMethod::joint, TrainingMethod::orthogonalized})
    killed_training_goes_on(folder, method);
  bad_checkpoints(folder);
  std::filesystem::remove_all(folder);
  fmt::print("{}\n", failures ? fmt::format("{} failures", failures) : "all passed");
  return failures ? 1 : 0;
}
