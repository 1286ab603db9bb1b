// The network of models/bert.h with gradients, for training: the same numbers, exit by exit, and besides
// dropout, as BERT has it (Devlin et al., 2019): of the embeddings, of the attention's weights, and of what
// each half of a layer adds.
//
// The windows of a step are not padded: all their tokens lie below one another in one matrix, and only the
// attention looks at each window by itself.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "models/bert_config.h"
#include "models/weights.h"
#include "training/mixed_precision.h"
#include "training/squad_examples.h"

namespace alertbench {

class TrainableBertImpl : public torch::nn::Module {
 public:
  // `weights`: with the names of random_weights(config); the parameters are copies with the same names.
  // `dropout`: the probability that a number is dropped in training. Without `train_words` the word
  // embeddings stay as they are: half of a small network's parameters, each of which few questions touch.
  TrainableBertImpl(const BertConfig& config, const Weights& weights, double dropout, bool train_words);

  // Returns the logits of start and end, [tokens of all windows, 2], per exit.
  std::vector<torch::Tensor> forward(const std::vector<TokenWindow>& windows);
  // Returns the mean over the examples, per exit: of the start and the end of an answer each the cross
  // entropy of a softmax over the window's tokens, both halved and added; the mean over the answers of an
  // example.
  std::vector<torch::Tensor> losses(const std::vector<SquadExample>& examples,
                                    Precision precision = Precision::float32);

  Weights weights() const;                     // the parameters themselves, without gradient
  std::vector<torch::Tensor> trained() const;  // the parameters with a gradient

  const BertConfig config;

 private:
  struct Linear {
    torch::Tensor weight, bias;
    torch::Tensor operator()(const torch::Tensor& x) const { return at::linear(x, weight, bias); }
  };
  struct Norm {
    torch::Tensor weight, bias;
    torch::Tensor operator()(const torch::Tensor& x) const;
  };
  struct Layer {
    Linear query, key, value, attention_output, intermediate, output;
    Norm attention_norm, output_norm;
  };
  torch::Tensor drop(const torch::Tensor& x) const;
  torch::Tensor attend(const Layer& layer, const torch::Tensor& x, const std::vector<int64_t>& lengths) const;

  double dropout_;
  torch::Tensor words_, positions_, types_;
  Norm embedding_norm_;
  std::vector<Layer> layers_;
  std::vector<Linear> heads_;  // per exit
};
TORCH_MODULE(TrainableBert);

}  // namespace alertbench
