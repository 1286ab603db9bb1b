// What every training does besides learning: log, progress with the time left, checkpoints, and at the end
// the weights and the accuracy measured with them.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/network_file.h"

namespace alertbench {

// Mean over steps, per stage.
struct MeanLoss {
  std::vector<double> sum;
  int64_t steps = 0;

  void add(const std::vector<double>& loss);
  std::vector<double> take();  // the mean, rounded for a log; begins again
};

struct TrainingSetup {
  std::string network_file;         // where the accuracy is noted
  NetworkSpec network;              // its `weights` are written; log and checkpoint lie beside them
  nlohmann::ordered_json settings;  // all that the weights depend on; opens the log
  std::string command;
  int checkpoint_every = 0;  // steps; 0: no checkpoints
};

class TrainingRun {
 public:
  TrainingRun(TrainingSetup setup, torch::nn::Module& module, torch::optim::Optimizer& optimizer);

  // The log of the training that made the weights that this one begins with (--init) goes into this one's
  // log, where there is one. `weights` may be empty.
  void begin_from(const std::string& weights);

  // Takes up the checkpoint of the same training, where there is one and checkpoints are wanted. Returns the
  // steps that are done, 0 for a new training. InputError: a checkpoint of another training.
  int64_t resume(std::map<std::string, torch::Tensor>& state);

  // Behind every step. `left`: the work to be done after it, in units of which this step took `work`.
  // `mean_loss`: per stage, of this step (it is averaged over `log_every` steps into the log); RunError where
  // it is not finite. `state` says what a checkpoint must hold besides module, optimiser and random source,
  // and is called where one is due. After Ctrl-C it writes one, and throws RunError.
  void step_done(int64_t step, int epoch, double learning_rate, const std::vector<double>& mean_loss,
                 double work, double left,
                 const std::function<std::map<std::string, torch::Tensor>()>& state);
  // Adds a line to the log's epochs, with the epoch's mean losses, and writes log and weights. The log's
  // epochs are those that are done, also behind resume().
  void epoch_done(nlohmann::ordered_json line);
  double elapsed_s() const;  // over all legs of a training taken up again

  // Stores the weights and loads them back (they are rounded), so that what is measured next is what the file
  // gives.
  void store_weights();
  // Writes the log, and notes the accuracy in the network file (everything else there as it stands). A
  // training that reached its end
  // (`finished`) needs its checkpoint no longer.
  void finish(const nlohmann::ordered_json& accuracy, bool finished);

  static constexpr int log_every = 50;
  nlohmann::ordered_json log;

 private:
  void save(int64_t step, const std::map<std::string, torch::Tensor>& state) const;
  void write_log() const;

  TrainingSetup setup_;
  torch::nn::Module& module_;
  torch::optim::Optimizer& optimizer_;
  std::string log_path_, checkpoint_path_;
  double start_s_, elapsed_before_s_ = 0, first_step_s_ = 0, shown_s_ = 0, work_done_ = 0;
  MeanLoss recent_, of_epoch_;
};

}  // namespace alertbench
