// The loaded candidate networks, and the inputs they are fed with.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/types.h"
#include "models/inference_runtime.h"
#include "models/network_file.h"
#include "models/staged_model.h"
#include "workloads/workload.h"

namespace alertbench {

class NetworkBench {
 public:
  // `order[n]` is the place of input n in the workload. All must outlive the bench. Loads every network
  // (InputError).
  NetworkBench(InferenceRuntime& runtime, std::vector<NetworkSpec> networks, const Workload& workload,
               std::vector<int64_t> order);

  int models() const { return static_cast<int>(networks_.size()); }
  const NetworkSpec& network(int model) const { return networks_[static_cast<size_t>(model)]; }
  StagedModel& model(int model) { return *models_[static_cast<size_t>(model)]; }
  const StagedModel& model(int model) const { return *models_[static_cast<size_t>(model)]; }
  int64_t inputs() const { return static_cast<int64_t>(order_.size()); }
  // Returns the number of different inputs; after them the data repeats from the start.
  int64_t different_inputs() const { return std::min(inputs(), workload_.size()); }
  // The workload's name of the input, made printable(), because a file name may contain any bytes.
  std::string input_id(int64_t input) const;
  InputFacts facts(int64_t input) const { return facts_[static_cast<size_t>(input)]; }
  std::string size_unit() const { return workload_.size_unit(); }

  // Decodes and preprocesses an input for every network. Not part of any latency.
  void feed(int64_t input);
  // Judges a stage that has just run on the input fed last; stage 0 stands for a miss. Returns nullopt
  // without labels or with random weights. Scores that contain NaN or infinity count as a miss, and
  // problems() reports them.
  std::optional<Correctness> judge(int model, int stage);
  std::vector<std::string> problems() const;  // of the judged scores: the reasons why the result is invalid
  bool judged(int model) const { return workload_.labelled() && !network(model).random_weights(); }

 private:
  int64_t place(int64_t input) const { return order_[static_cast<size_t>(input)]; }
  const std::vector<NetworkInput>& inputs_of(int64_t input);  // one per distinct image spec

  std::vector<NetworkSpec> networks_;
  const Workload& workload_;
  std::vector<int64_t> order_;
  std::vector<InputFacts> facts_;  // [input]
  std::vector<std::unique_ptr<StagedModel>> models_;
  std::vector<ImageSpec> specs_;  // distinct
  std::vector<std::vector<size_t>>
      specs_of_model_;  // several for a cascade whose members want different ones
  // Schedulers take turns on the same few inputs, so these are decoded only once.
  std::map<int64_t, std::vector<NetworkInput>> cache_;
  std::deque<int64_t> cached_;
  int64_t fed_ = -1;
  struct BadScores {
    int64_t times = 0;
    std::string first_input;
  };
  std::map<int, BadScores> bad_scores_;  // by model
};

}  // namespace alertbench
