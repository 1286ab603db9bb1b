// alert-train: trains the image networks of a network file, all stages of a nested one together, and writes the weights,
// a log, and the accuracy measured on the test set.
#include <fmt/format.h>
#include <torch/torch.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/error.h"
#include "core/json_reader.h"
#include "core/random.h"
#include "models/network_file.h"
#include "models/striped_resnet.h"
#include "workloads/fashion_mnist.h"

namespace alertbench {
namespace {

struct Options {
  std::string network_file, network, data = FashionMnist::default_dir;
  std::string init;
  int epochs = 3, coarse_epochs = 2, stop_after = 0, batch = 32, threads = 1, limit = 0;
  double learning_rate = 0.05, weight_decay = 5e-4;
  uint64_t seed = 1;
};

double now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// [count, 1, 28, 28]; with `augment` each image is mirrored by chance. (Shifts cost more than they give in so few epochs.)
torch::Tensor make_batch(const FashionMnist& data, const int64_t* index, int64_t count, const ImageSpec& spec,
                         Random* augment) {
  constexpr int side = FashionMnist::side;
  torch::Tensor batch = torch::empty({count, 1, side, side});
  float* out = batch.data_ptr<float>();
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* image = data.pixels().data() + index[i] * side * side;
    const bool mirror = augment && augment->below(2) == 1;
    for (int y = 0; y < side; ++y)
      for (int x = 0; x < side; ++x)
        *out++ = (static_cast<float>(image[y * side + (mirror ? side - 1 - x : x)]) - spec.mean[0]) * spec.scale[0];
  }
  return batch;
}

torch::Tensor labels_of(const FashionMnist& data, const int64_t* index, int64_t count) {
  torch::Tensor labels = torch::empty({count}, torch::kLong);
  for (int64_t i = 0; i < count; ++i) labels.data_ptr<int64_t>()[i] = data.labels()[static_cast<size_t>(index[i])];
  return labels;
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
    const auto scores = net->forward(make_batch(data, &order[static_cast<size_t>(start)], count, spec, nullptr));
    const torch::Tensor labels = labels_of(data, &order[static_cast<size_t>(start)], count);
    for (size_t s = 0; s < scores.size(); ++s) correct[s] += scores[s].argmax(1).eq(labels).sum().item<double>();
  }
  net->train();
  for (double& c : correct) c /= static_cast<double>(data.size());
  return correct;
}

// Rises linearly over the first fifth, then falls as a cosine to zero (one cycle).
double learning_rate(double peak, int64_t step, int64_t steps) {
  const double done = static_cast<double>(step) / static_cast<double>(steps);
  return done < 0.2 ? peak * (0.04 + 0.96 * done / 0.2) : peak * 0.5 * (1 + std::cos(M_PI * (done - 0.2) / 0.8));
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  if (!file.flush()) throw RunError(path.string() + ": cannot write (disk full, or no permission?)");
}

// Puts the measured accuracy into the network file, everything else as it stands.
void record_accuracy(const Options& o, const std::vector<double>& accuracy, const std::string& on) {
  std::ifstream in(o.network_file);
  auto j = nlohmann::ordered_json::parse(in);
  for (auto& n : j["networks"])
    if (n["name"] == o.network) n["accuracy"] = {{"top1", accuracy}, {"source", "measured"}, {"on", on}};
  write_file(o.network_file, j.dump(2) + "\n");
}

void train(const Options& o, const std::string& command) {
  const NetworkFile file = NetworkFile::read(o.network_file, false);
  const NetworkSpec& spec = file.find(o.network);
  if (file.workload != "fashion-mnist" || spec.architecture != "resnet" || spec.weights.empty())
    throw InputError(fmt::format("{}: {}: can be trained only with workload \"fashion-mnist\", architecture \"resnet\" and a "
                                 "\"weights\" path to write to", o.network_file, o.network));
  const FashionMnist training(o.data, "train"), test(o.data, "test");
  at::set_num_threads(o.threads);
  torch::manual_seed(o.seed);
  StripedResnet net(spec.resnet);
  torch::optim::SGD sgd(net->parameters(), torch::optim::SGDOptions(o.learning_rate)
                                               .momentum(0.9).nesterov(true).weight_decay(o.weight_decay));
  if (!o.init.empty()) load_weights(*net, o.init);
  int64_t parameters = 0;
  for (const auto& p : net->parameters()) parameters += p.numel();
  const auto macs = multiply_accumulates(*net);
  fmt::print(stderr, "{}: {} stages, {} parameters, {:.1f} M multiply-accumulates, {} training images, {} threads\n",
             o.network, spec.stages(), parameters, static_cast<double>(macs.back()) / 1e6, training.size(),
             at::get_num_threads());

  const int64_t images = o.limit > 0 ? std::min<int64_t>(o.limit, training.size()) : training.size();
  const int64_t steps_per_epoch = images / o.batch, steps = steps_per_epoch * o.epochs;
  if (steps_per_epoch < 1) throw InputError(fmt::format("--batch {}: larger than the {} images", o.batch, images));
  nlohmann::ordered_json log = {{"schema_version", "1.0"},
                                {"network", o.network},
                                {"command", command},
                                {"seed", o.seed},
                                {"threads", o.threads},
                                {"libtorch", TORCH_VERSION},
                                {"data", training.data_source()},
                                {"parameters", parameters},
                                {"multiply_accumulates", macs},
                                {"loss", "sum over stages of cross entropy (joint SGD)"},
                                {"images_an_epoch", images},
                                {"epochs_at_half_resolution", o.coarse_epochs},
                                {"batch", o.batch},
                                {"peak_learning_rate", o.learning_rate},
                                {"weight_decay", o.weight_decay},
                                {"augmentation", "mirrored by chance"},
                                {"epochs", nlohmann::ordered_json::array()}};
  const std::filesystem::path weights = spec.weights;
  std::filesystem::create_directories(weights.parent_path());
  // A second training of the same network (--init) keeps the log of the first.
  if (!o.init.empty() && std::filesystem::exists(std::filesystem::path(o.init).replace_extension(".train.json")))
    log["begun_from"] = read_json_file(std::filesystem::path(o.init).replace_extension(".train.json").string());
  const std::filesystem::path log_path = std::filesystem::path(weights).replace_extension(".train.json");

  Random augment(o.seed ^ 0xa5a5a5a5ull);
  const double start = now_s();
  double coarse_step_s = 0, fine_step_s = 0;
  for (int epoch = 0; epoch < (o.stop_after > 0 ? std::min(o.stop_after, o.epochs) : o.epochs); ++epoch) {
    const bool coarse = epoch < o.coarse_epochs;
    const std::vector<int64_t> order = sample_order(training.size(), images, o.seed + static_cast<uint64_t>(epoch));
    std::vector<double> loss_sum(static_cast<size_t>(spec.stages()), 0.0);
    for (int64_t step = 0; step < steps_per_epoch; ++step) {
      const double step_start = now_s();
      const double rate = learning_rate(o.learning_rate, epoch * steps_per_epoch + step, steps);
      for (auto& group : sgd.param_groups()) static_cast<torch::optim::SGDOptions&>(group.options()).lr(rate);
      const int64_t* index = &order[static_cast<size_t>(step * o.batch)];
      torch::Tensor x = make_batch(training, index, o.batch, spec.input, &augment);
      if (coarse) x = at::avg_pool2d(x, 2);  // a quarter of the work teaches most of it
      const torch::Tensor labels = labels_of(training, index, o.batch);
      sgd.zero_grad();
      torch::Tensor loss;
      const auto scores = net->forward(x);
      for (size_t s = 0; s < scores.size(); ++s) {
        const torch::Tensor stage_loss = torch::nn::functional::cross_entropy(scores[s], labels);
        loss_sum[s] += stage_loss.item<double>();
        loss = loss.defined() ? loss + stage_loss : stage_loss;
      }
      loss.backward();
      sgd.step();
      if (!std::isfinite(loss_sum.back()))
        throw RunError(fmt::format("{}: the loss is not finite at epoch {}, step {}: try a smaller --lr", o.network,
                                   epoch + 1, step + 1));
      double& step_s = coarse ? coarse_step_s : fine_step_s;
      step_s = step_s == 0 ? now_s() - step_start : 0.95 * step_s + 0.05 * (now_s() - step_start);
      if ((step + 1) % 50 == 0) {
        const double fine_s = fine_step_s > 0 ? fine_step_s : 4 * coarse_step_s;
        const int64_t done = epoch * steps_per_epoch + step + 1, coarse_all = o.coarse_epochs * steps_per_epoch;
        const int64_t coarse_left = std::max<int64_t>(0, std::min(coarse_all, steps) - done);
        const double left = static_cast<double>(coarse_left) * coarse_step_s +
                            static_cast<double>(steps - done - coarse_left) * fine_s;
        fmt::print(stderr, "{}: epoch {}/{}{}, step {}/{}, loss {:.3f}, about {:.0f} min left\n", o.network, epoch + 1,
                   o.epochs, coarse ? " (coarse)" : "", step + 1, steps_per_epoch,
                   loss_sum.back() / static_cast<double>(step + 1), left / 60);
      }
    }
    for (double& l : loss_sum) l /= static_cast<double>(steps_per_epoch);
    nlohmann::ordered_json line = {{"epoch", epoch + 1}, {"coarse", coarse}, {"train_loss", loss_sum},
                                   {"elapsed_s", std::round(now_s() - start)}};
    if (!coarse && epoch + 1 < o.epochs) {
      const auto accuracy = top1(net, test, spec.input);
      line["test_top1"] = accuracy;
      fmt::print(stderr, "{}: epoch {}: test top-1 {:.4f}\n", o.network, epoch + 1, fmt::join(accuracy, ", "));
    }
    log["epochs"].push_back(line);
    save_weights(*net, weights.string());
    write_file(log_path, log.dump(1) + "\n");
  }
  // What counts is what the file gives back: weights are stored rounded.
  save_weights(*net, weights.string());
  load_weights(*net, weights.string());
  const auto accuracy = top1(net, test, spec.input);
  log["test_top1_as_stored"] = accuracy;
  write_file(log_path, log.dump(1) + "\n");
  record_accuracy(o, accuracy, test.data_source());
  fmt::print(stderr, "{}: wrote {} and {}; accuracy noted in {}\n", o.network, weights.string(), log_path.string(),
             o.network_file);
}

int main_of_train(int argc, char** argv) {
  Options o;
  CLI::App app("alert-train: train the networks that alert-bench runs.\n\n"
               "Example: alert-train networks/fashion-mnist.json --network resnet-w16 --seed 1\n");
  app.add_option("NETWORKS", o.network_file, "network file (networks/*.json)")->required()->check(CLI::ExistingFile);
  app.add_option("--network", o.network, "name of the network in it")->required();
  app.add_option("--data", o.data, "folder of the Fashion-MNIST files")->capture_default_str();
  app.add_option("--epochs", o.epochs, "passes over the training set; 0 measures and stores only")
      ->capture_default_str()->check(CLI::Range(0, 1000));
  app.add_option("--coarse-epochs", o.coarse_epochs, "the first so many at half the resolution (4 times faster)")
      ->capture_default_str()->check(CLI::Range(0, 1000));
  app.add_option("--stop-after", o.stop_after, "stop after so many epochs of the schedule (0: all of them)")
      ->capture_default_str()->check(CLI::Range(0, 1000));
  app.add_option("--init", o.init, "begin with these weights, not with random ones")->check(CLI::ExistingFile);
  app.add_option("--batch", o.batch, "images a step")->capture_default_str()->check(CLI::Range(2, 4096));
  app.add_option("--lr", o.learning_rate, "peak learning rate")->capture_default_str()->check(CLI::Range(1e-6, 10.0));
  app.add_option("--weight-decay", o.weight_decay)->capture_default_str()->check(CLI::Range(0.0, 1.0));
  app.add_option("--seed", o.seed, "with one thread the same seed gives the same weights")->capture_default_str();
  app.add_option("--threads", o.threads)->capture_default_str()->check(CLI::Range(1, 256));
  app.add_option("--limit", o.limit, "train each epoch on so many images, drawn anew (0: all)")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : static_cast<int>(ExitCode::bad_input);
  }
  std::string command = "alert-train";
  for (int i = 1; i < argc; ++i) command += std::string(" ") + argv[i];
  train(o, command);
  return 0;
}

}  // namespace
}  // namespace alertbench

int main(int argc, char** argv) {
  try {
    return alertbench::main_of_train(argc, argv);
  } catch (const alertbench::Error& e) {
    fmt::print(stderr, "alert-train: {}\n", e.what());
    return static_cast<int>(e.code());
  } catch (const std::exception& e) {
    fmt::print(stderr, "alert-train: {}\n", e.what());
    return static_cast<int>(alertbench::ExitCode::run_failed);
  }
}
