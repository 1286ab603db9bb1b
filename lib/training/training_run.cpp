#include "training/training_run.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "base/atomic_file.h"
#include "base/clock.h"
#include "base/console.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "base/json_reader.h"
#include "base/text_file.h"
#include "models/striped_resnet.h"
#include "training/checkpoint.h"

namespace alertbench {
namespace {

namespace fs = std::filesystem;

double now_s() {
  static SystemClock clock;
  return clock.now_s();
}

// The sums, and behind them the steps.
torch::Tensor as_tensor(const MeanLoss& mean) {
  std::vector<double> values = mean.sum;
  values.push_back(static_cast<double>(mean.steps));
  return torch::tensor(values, torch::kDouble);
}

MeanLoss as_mean(const torch::Tensor& t) {
  const double* values = t.data_ptr<double>();
  return {std::vector<double>(values, values + t.numel() - 1), static_cast<int64_t>(values[t.numel() - 1])};
}

}  // namespace

void MeanLoss::add(const std::vector<double>& loss) {
  sum.resize(loss.size(), 0.0);
  for (size_t s = 0; s < loss.size(); ++s) sum[s] += loss[s];
  ++steps;
}

std::vector<double> MeanLoss::take() {
  std::vector<double> mean;
  for (const double s : sum) mean.push_back(std::round(s / static_cast<double>(steps) * 1e4) / 1e4);
  *this = MeanLoss();
  return mean;
}

TrainingRun::TrainingRun(TrainingSetup setup, torch::nn::Module& module, torch::optim::Optimizer& optimizer)
    : setup_(std::move(setup)), module_(module), optimizer_(optimizer), start_s_(now_s()) {
  const fs::path weights = setup_.network.weights;
  if (weights.has_parent_path()) fs::create_directories(weights.parent_path());
  log_path_ = fs::path(weights).replace_extension(".train.json").string();
  checkpoint_path_ = fs::path(weights).replace_extension(".checkpoint").string();
  log = {{"schema_version", "1.0"}, {"network", setup_.network.name}, {"command", setup_.command}};
  log.update(setup_.settings);
  log["steps"] = nlohmann::ordered_json::array();
  log["epochs"] = nlohmann::ordered_json::array();
  install_interrupt_handlers();
}

void TrainingRun::begin_from(const std::string& weights) {
  if (weights.empty()) return;
  const std::string first_log = std::filesystem::path(weights).replace_extension(".train.json").string();
  if (std::filesystem::exists(first_log)) log["begun_from"] = read_json_file(first_log);
}

int64_t TrainingRun::resume(std::map<std::string, torch::Tensor>& state) {
  if (setup_.checkpoint_every == 0 || !fs::exists(checkpoint_path_)) return 0;
  const Checkpoint checkpoint = load_checkpoint(checkpoint_path_, setup_.settings, module_, optimizer_);
  log = checkpoint.log;
  state = checkpoint.state;
  recent_ = as_mean(state.at("recent_loss"));
  of_epoch_ = as_mean(state.at("epoch_loss"));
  elapsed_before_s_ = state.at("elapsed_s").item<double>();
  say("{}: continues after step {} ({})", setup_.network.name, checkpoint.step, checkpoint_path_);
  return checkpoint.step;
}

double TrainingRun::elapsed_s() const { return elapsed_before_s_ + now_s() - start_s_; }

void TrainingRun::save(int64_t step, const std::map<std::string, torch::Tensor>& state) const {
  Checkpoint checkpoint{setup_.settings, log, step, state};
  checkpoint.state["elapsed_s"] = torch::tensor(elapsed_s(), torch::kDouble);
  checkpoint.state["recent_loss"] = as_tensor(recent_);
  checkpoint.state["epoch_loss"] = as_tensor(of_epoch_);
  save_checkpoint(checkpoint_path_, checkpoint, module_, optimizer_);
}

void TrainingRun::step_done(int64_t step, int epoch, double learning_rate,
                            const std::vector<double>& mean_loss, double work, double left,
                            const std::function<std::map<std::string, torch::Tensor>()>& state) {
  for (const double loss : mean_loss)
    if (!std::isfinite(loss))
      throw RunError(fmt::format("{}: the loss is not finite at epoch {}, step {}: try a smaller --lr",
                                 setup_.network.name, epoch + 1, step));
  recent_.add(mean_loss);
  of_epoch_.add(mean_loss);
  if (work_done_ == 0) first_step_s_ = now_s();
  work_done_ += work;
  if (recent_.steps == log_every) {
    const std::vector<double> loss = recent_.take();
    log["steps"].push_back(
        {{"step", step}, {"epoch", epoch + 1}, {"learning_rate", learning_rate}, {"train_loss", loss}});
    if (now_s() - shown_s_ > 10) {
      shown_s_ = now_s();
      say("{}: epoch {}, step {}, loss {:.3f}, about {:.0f} min left", setup_.network.name, epoch + 1, step,
          fmt::join(loss, ", "), left / work_done_ * (now_s() - first_step_s_) / 60);
    }
  }
  const bool stop = interrupted();
  if (setup_.checkpoint_every > 0 && (stop || step % setup_.checkpoint_every == 0)) save(step, state());
  if (stop)
    throw RunError(fmt::format("{}: interrupted after step {}{}", setup_.network.name, step,
                               setup_.checkpoint_every > 0 ? "; repeat the command to continue" : ""));
}

void TrainingRun::epoch_done(nlohmann::ordered_json line) {
  line["train_loss"] = of_epoch_.take();
  line["elapsed_s"] = std::round(elapsed_s());
  log["epochs"].push_back(std::move(line));
  save_weights(module_, setup_.network.weights);
  write_log();
}

void TrainingRun::store_weights() {
  save_weights(module_, setup_.network.weights);
  load_weights(module_, setup_.network.weights);
}

void TrainingRun::finish(const nlohmann::ordered_json& accuracy, bool finished) {
  write_log();
  auto j = parse_json<nlohmann::ordered_json>(read_text_file(setup_.network_file, written_by_hand.bytes),
                                              setup_.network_file, written_by_hand);
  for (auto& n : j["networks"])
    if (n["name"] == setup_.network.name) n["accuracy"] = accuracy;
  write_file_atomically(output_path(setup_.network_file), j.dump(2) + "\n");
  if (finished) fs::remove(checkpoint_path_);
  say("{}: wrote {} and {}; accuracy stored in {}", setup_.network.name, setup_.network.weights, log_path_,
      setup_.network_file);
}

void TrainingRun::write_log() const { write_file_atomically(log_path_, log.dump(1) + "\n"); }

}  // namespace alertbench
