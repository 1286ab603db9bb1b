// Residual networks on Fashion-MNIST.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/console.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/random.h"
#include "base/sha256.h"
#include "commands.h"
#include "core/profile.h"
#include "models/striped_resnet.h"
#include "training/distillation.h"
#include "training/orthogonalized_sgd.h"
#include "training/stage_balance.h"
#include "training/training_run.h"
#include "workloads/fashion_mnist.h"

namespace alertbench {
namespace {

// Which images of a batch are mirrored: each by chance. (Shifts cost more than they give in so few epochs.)
std::vector<int64_t> draw_mirrored(Random& random, int64_t count) {
  std::vector<int64_t> mirrored;
  for (int64_t i = 0; i < count; ++i) mirrored.push_back(static_cast<int64_t>(random.below(2)));
  return mirrored;
}

// [count, 1, 28, 28]; image i is mirrored if mirrored[i] is 1, and none if `mirrored` is empty.
torch::Tensor make_batch(const FashionMnist& data, const int64_t* index, int64_t count, const ImageSpec& spec,
                         const std::vector<int64_t>& mirrored = {}) {
  constexpr int side = FashionMnist::side;
  torch::Tensor batch = torch::empty({count, 1, side, side});
  float* out = batch.data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* image = data.pixels().data() + index[i] * side * side;
    const bool mirror = !mirrored.empty() && mirrored[static_cast<size_t>(i)] == 1;
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        *out++ = (static_cast<float>(image[y * side + (mirror ? side - 1 - x : x)]) - spec.mean[0]) *
                 spec.scale[0];
  }
  return batch;
}

torch::Tensor labels_of(const FashionMnist& data, const int64_t* index, int64_t count) {
  torch::Tensor labels = torch::empty({count}, torch::kLong);
  for (int64_t i = 0; i < count; ++i)
    labels.data_ptr<int64_t>()[i] = data.labels()[static_cast<size_t>(index[i])];
  return labels;
}

std::vector<torch::Tensor> scores_of(StripedResnet& net, const torch::Tensor& x, Precision precision) {
  if (precision == Precision::float32) return net->forward(x);
  const MixedPrecision rounded(precision);
  return as_floats(net->forward(x.contiguous(at::MemoryFormat::ChannelsLast)));
}

// Share of the set whose label is the highest score, per stage.
std::vector<double> top1(StripedResnet& net, const FashionMnist& data, const ImageSpec& spec) {
  torch::NoGradGuard no_grad;
  net->eval();
  std::vector<int64_t> order(static_cast<size_t>(data.size()));
  std::iota(order.begin(), order.end(), 0);
  std::vector<double> correct(static_cast<size_t>(net->config.stripes), 0.0);
  for (int64_t start = 0; start < data.size(); start += 250) {
    const int64_t count = std::min<int64_t>(250, data.size() - start);
    const auto scores = net->forward(make_batch(data, &order[static_cast<size_t>(start)], count, spec));
    const torch::Tensor labels = labels_of(data, &order[static_cast<size_t>(start)], count);
    for (size_t s = 0; s < scores.size(); ++s)
      correct[s] += scores[s].argmax(1).eq(labels).sum().item<double>();
  }
  net->train();
  for (double& c : correct) c /= static_cast<double>(data.size());
  return correct;
}

// Scores of a trained network's last stage for every image as it is and mirrored, [2, images, classes].
torch::Tensor scores_of_teacher(const NetworkSpec& teacher, const FashionMnist& data, Precision precision) {
  torch::NoGradGuard no_grad;
  StripedResnet net(teacher.resnet);
  load_weights(*net, teacher.weights);
  net->eval();
  torch::Tensor scores = torch::empty({2, data.size(), teacher.resnet.classes});
  std::vector<int64_t> order(static_cast<size_t>(data.size()));
  std::iota(order.begin(), order.end(), 0);
  for (int64_t start = 0; start < data.size(); start += 250) {
    if (start % 5000 == 0) say("{}: scores of {} of {} images", teacher.name, start, data.size());
    const int64_t count = std::min<int64_t>(250, data.size() - start);
    for (int64_t mirrored = 0; mirrored < 2; ++mirrored) {
      const std::vector<int64_t> each(static_cast<size_t>(count), mirrored);
      const torch::Tensor x =
          make_batch(data, &order[static_cast<size_t>(start)], count, teacher.input, each);
      scores[mirrored].narrow(0, start, count).copy_(scores_of(net, x, precision).back());
    }
    if (interrupted()) throw RunError(teacher.name + ": interrupted while its scores were computed");
  }
  return scores;
}

const NetworkSpec& find_teacher(const NetworkFile& file, const std::string& name, const NetworkSpec& pupil) {
  const NetworkSpec& teacher = file.find(name);
  if (teacher.architecture != "resnet" || teacher.weights.empty() || teacher.name == pupil.name)
    throw InputError(fmt::format(
        "--teacher {}: {} must have another network of architecture \"resnet\" with \"weights\" by this "
        "name",
        name, file.path));
  return teacher;
}

// The rows of `scores` for a batch.
torch::Tensor teacher_batch(const torch::Tensor& scores, const int64_t* index,
                            const std::vector<int64_t>& mirrored) {
  std::vector<int64_t> rows;
  for (size_t i = 0; i < mirrored.size(); ++i) rows.push_back(mirrored[i] * scores.size(1) + index[i]);
  return scores.flatten(0, 1).index_select(0, torch::tensor(rows));
}

// Rises linearly over the first fifth, then falls as a cosine to zero (one cycle).
double learning_rate_of(double peak, int64_t step, int64_t steps) {
  const double done = static_cast<double>(step) / static_cast<double>(steps);
  return done < 0.2 ? peak * (0.04 + 0.96 * done / 0.2)
                    : peak * 0.5 * (1 + std::cos(M_PI * (done - 0.2) / 0.8));
}

}  // namespace

void train_images(const Options& o, const NetworkFile& file, const NetworkSpec& spec) {
  const std::string folder = o.data.empty() ? FashionMnist::default_dir : o.data;
  const int epochs = o.epochs.value_or(3), batch = o.batch.value_or(32);
  const double peak_rate = o.learning_rate.value_or(0.05), weight_decay = o.weight_decay.value_or(5e-4);
  const TrainingMethod method = training_method(o.method);
  const FashionMnist training(folder, "train"), test(folder, "test");
  at::set_num_threads(o.threads);
  torch::manual_seed(o.seed);
  StripedResnet net(spec.resnet);
  torch::optim::SGD sgd(
      net->parameters(),
      torch::optim::SGDOptions(peak_rate).momentum(0.9).nesterov(true).weight_decay(weight_decay));
  if (!o.init.empty()) load_weights(*net, o.init);
  const std::vector<torch::Tensor> parameters = net->parameters();
  const std::vector<torch::Tensor> balance = stage_balance(net);
  const int64_t numbers = net->config.parameters();
  const auto macs = net->config.multiply_accumulates();
  say("{}: {} stages, {} parameters, {:.1f} M multiply-accumulates, {} training images, {} threads",
      o.network, spec.stages(), numbers, static_cast<double>(macs.back()) / 1e6, training.size(),
      at::get_num_threads());

  const int64_t images = o.limit > 0 ? std::min<int64_t>(o.limit, training.size()) : training.size();
  const int64_t steps_per_epoch = images / batch, steps = steps_per_epoch * epochs;
  if (steps_per_epoch < 1)
    throw InputError(fmt::format("--batch {}: larger than the {} images", batch, images));
  nlohmann::ordered_json settings = {{"seed", o.seed},
                                     {"threads", o.threads},
                                     {"libtorch", TORCH_VERSION},
                                     {"data", training.data_source()},
                                     {"parameters", numbers},
                                     {"multiply_accumulates", macs},
                                     {"loss", describe(method)},
                                     {"images_an_epoch", images},
                                     {"schedule_epochs", epochs},
                                     {"epochs_at_half_resolution", o.coarse_epochs},
                                     {"batch", batch},
                                     {"peak_learning_rate", peak_rate},
                                     {"weight_decay", weight_decay},
                                     {"augmentation", "mirrored by chance"}};
  if (!o.init.empty()) settings["init_sha256"] = hash_file(o.init).sha256;
  const NetworkSpec* teacher = o.teacher.empty() ? nullptr : &find_teacher(file, o.teacher, spec);
  std::string teacher_key;
  if (teacher) {
    settings["teacher"] = o.teacher;
    settings["teacher_sha256"] = hash_file(teacher->weights).sha256;
    settings["temperature"] = o.distillation.temperature;
    settings["teacher_weight"] = o.distillation.weight;
    const std::string_view pixels(reinterpret_cast<const char*>(training.pixels().data()),
                                  training.pixels().size());
    teacher_key = sha256_of(settings["teacher_sha256"].get<std::string>() + sha256_of(pixels) +
                            (o.precision == Precision::bfloat16 ? "bfloat16" : ""));
  }
  if (o.precision == Precision::bfloat16) settings["precision"] = "bfloat16";
  TrainingRun run({o.network_file, spec, settings, o.command, o.checkpoint_every}, *net, sgd);
  run.begin_from(o.init);

  std::map<std::string, torch::Tensor> state;
  int64_t done = run.resume(state);
  const std::string teacher_file =
      std::filesystem::path(spec.weights).replace_extension(".teacher.pt").string();
  const torch::Tensor taught =
      teacher ? kept_scores(teacher_file, teacher_key, {2, training.size(), spec.resnet.classes},
                            [&] { return scores_of_teacher(*teacher, training, o.precision); })
              : torch::Tensor();
  Random augment(o.seed ^ 0xa5a5a5a5ull);
  draw_mirrored(augment, done * batch);  // as the steps that are done have drawn
  const int last = o.stop_after > 0 ? std::min(o.stop_after, epochs) : epochs;
  const auto work_to = [&](int64_t step) {  // a fine step is the unit
    const int64_t coarse = std::min<int64_t>(step, o.coarse_epochs * steps_per_epoch);
    return 0.25 * static_cast<double>(coarse) + static_cast<double>(step - coarse);
  };
  for (int epoch = static_cast<int>(run.log["epochs"].size()); epoch < last; ++epoch) {
    const bool coarse = epoch < o.coarse_epochs;
    const std::vector<int64_t> order =
        sample_order(training.size(), images, o.seed + static_cast<uint64_t>(epoch));
    for (int64_t step = done - epoch * steps_per_epoch; step < steps_per_epoch; ++step) {
      const double rate = learning_rate_of(peak_rate, done, steps);
      for (auto& group : sgd.param_groups()) static_cast<torch::optim::SGDOptions&>(group.options()).lr(rate);
      const int64_t* index = &order[static_cast<size_t>(step * batch)];
      const std::vector<int64_t> mirrored = draw_mirrored(augment, batch);
      torch::Tensor x = make_batch(training, index, batch, spec.input, mirrored);
      if (coarse) x = at::avg_pool2d(x, 2);  // a quarter of the work teaches most of it
      const torch::Tensor labels = labels_of(training, index, batch);
      std::vector<torch::Tensor> losses;
      std::vector<double> values;
      for (const torch::Tensor& scores : scores_of(net, x, o.precision)) {
        losses.push_back(teacher ? distillation_loss(scores, labels, teacher_batch(taught, index, mirrored),
                                                     o.distillation)
                                 : torch::nn::functional::cross_entropy(scores, labels));
        values.push_back(losses.back().item<double>());
      }
      set_gradients(losses, parameters, method);
      if (method == TrainingMethod::balanced) scale_gradients(parameters, balance);
      sgd.step();
      ++done;
      run.step_done(done, epoch, rate, values, work_to(done) - work_to(done - 1),
                    work_to(last * steps_per_epoch) - work_to(done),
                    [] { return std::map<std::string, torch::Tensor>(); });
    }
    nlohmann::ordered_json line = {{"epoch", epoch + 1}, {"coarse", coarse}};
    if (!coarse && epoch + 1 < epochs) {
      const auto accuracy = top1(net, test, spec.input);
      line["test_top1"] = accuracy;
      say("{}: epoch {}: test top-1 {:.4f}", o.network, epoch + 1, fmt::join(accuracy, ", "));
    }
    run.epoch_done(line);
  }
  run.store_weights();
  auto accuracy = top1(net, test, spec.input);
  run.log["test_top1_as_stored"] = accuracy;
  std::string on = test.data_source();
  raise_falling_stages(accuracy, on);
  run.finish({{"top1", accuracy}, {"source", "measured"}, {"on", on}}, last == epochs);
  if (teacher && last == epochs) std::filesystem::remove(teacher_file);
}

}  // namespace alertbench
