// A training that can be killed at any moment: everything that decides how it continues, in one file that is
// replaced as a whole. Taken up again on one thread, it ends with the same weights as one that was never
// disturbed.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace alertbench {

struct Checkpoint {
  nlohmann::ordered_json
      settings;                // all that the weights depend on: a checkpoint of other settings is refused
  nlohmann::ordered_json log;  // so far
  int64_t step = 0;            // steps done, from the beginning of the training
  std::map<std::string, torch::Tensor> state;  // whatever else goes from step to step
};

// Writes also the module's parameters and buffers, the optimiser's state, and the state of LibTorch's random
// source. RunError if the file cannot be written; the one before stays then.
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint, const torch::nn::Module& module,
                     const torch::optim::Optimizer& optimizer);

// Gives back to module, optimiser and random source what was saved. InputError, before the module is changed,
// for a file that is torn, foreign, of other settings (it names them), or does not fit the module.
Checkpoint load_checkpoint(const std::string& path, const nlohmann::ordered_json& settings,
                           torch::nn::Module& module, torch::optim::Optimizer& optimizer);

}  // namespace alertbench
