// LSTM language models (Zaremba et al., "Recurrent Neural Network Regularization", 2014: embedding, LSTM
// layers, softmax) whose units are split into stripes: the width-nested anytime RNN of ALERT.
//
// The units of every layer and the numbers of an embedding form `stripes` equal groups. An edge from stripe a
// to stripe b exists only if a <= b, from input to hidden and from hidden to hidden, so stage s (1-based)
// needs only the stripes 1..s, reuses everything that earlier stages computed, and gives a complete
// prediction. With one stripe it is an ordinary LSTM, so this module implements both kinds.
//
// The output layer shares the embedding's weights (Press and Wolf, "Using the Output Embedding to Improve
// Language Models", 2017): this halves the files. The scores of a stage are those of the previous stage plus
// one product with the stage's own columns, so all stages together cost no more than the last one.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "models/lstm_config.h"

namespace alertbench {

// The state that is carried from word to word: one [batch, units] each per layer; empty means zeros.
struct LstmState {
  std::vector<torch::Tensor> hidden, cell;
};

// The edges that end in one stripe of one layer; s is the stripe (1-based), w its units. Rows are the gates,
// w rows each, in the order input, forget, output, candidate; columns are the units of the stripes 1..s.
struct LstmStripe {
  torch::Tensor input;      // [4 * w, s * w]
  torch::Tensor recurrent;  // [4 * w, s * w]
  torch::Tensor bias;       // [4 * w]
};

// Some words that stand for the whole vocabulary in one training step (training/sampled_softmax.h).
struct WordSample {
  torch::Tensor words;       // [k] int64 ids, ascending; all words that come next are among them
  torch::Tensor log_chance;  // [k]: logarithm of each one's chance to be in the sample
  torch::Tensor next;        // of each word that comes next, its place in `words`
};

class StripedLstmImpl : public torch::nn::Module {
 public:
  // `dropout`: the probability that a number is dropped in training, on all edges except the recurrent ones.
  explicit StripedLstmImpl(const LstmConfig& config, double dropout = 0.0);

  // words: [steps, batch] int64 ids. Returns the top layer's [steps, batch, units] and advances `state` past
  // the last word, detached from the gradient (truncated back-propagation).
  torch::Tensor forward(const torch::Tensor& words, LstmState& state);

  // Returns the mean cross entropy (nats per word) of each stage: [stages]. hidden comes from forward(); next
  // is [steps, batch] int64 ids. Gradients of any weighting of the stages can be computed, repeatedly if the
  // graph is retained.
  torch::Tensor stage_losses(const torch::Tensor& hidden, const torch::Tensor& next);

  // The same, estimated from a sample of the words: the exponential of each word's score counts 1 / chance
  // times. The gradient reaches the sampled words only.
  torch::Tensor stage_losses(const torch::Tensor& hidden, const WordSample& sample);

  // Scores of every word, one [..., vocabulary] per stage, from hidden [..., units].
  std::vector<torch::Tensor> scores(const torch::Tensor& hidden);

  LstmState empty_state(int64_t batch) const;

  LstmConfig config;
  double dropout;
  torch::Tensor embedding;                      // [vocabulary, units]
  torch::Tensor output_bias;                    // [stripes, vocabulary]; stage s adds the rows 1..s
  std::vector<std::vector<LstmStripe>> layers;  // [layer][stripe]

 private:
  int width() const { return config.units / config.stripes; }
  torch::Tensor drop(const torch::Tensor& x) const;
};
TORCH_MODULE(StripedLstm);

}  // namespace alertbench
