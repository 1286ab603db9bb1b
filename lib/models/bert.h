// BERT that answers questions from a text (Devlin et al., "BERT: Pre-training of Deep Bidirectional
// Transformers", 2019): for each token of a window it gives one score that the answer starts there, and one
// that it ends there. Inference only.
//
// One window of t tokens; H = heads, d = hidden / H, N = layer norm (epsilon 1e-12), GELU(z) = z Phi(z), not
// its approximation:
//
//   embedding:  x = N(E_word[id] + E_position[0..t-1] + E_type[type])       [t, hidden]
//   a layer:    q, k, v = x W_q + b_q, x W_k + b_k, x W_v + b_v             [t, hidden], as H heads of [t, d]
//               a = softmax(q k' / sqrt(d)) v of each head, side by side    [t, hidden]
//               x = N(x + a W_a + b_a)
//               x = N(x + GELU(x W_i + b_i) W_o + b_o)
//   an exit:    start, end = x W_e + b_e                                    [t, 2]
//
// An anytime network has exits after several layers, each with its own W_e and b_e; stage s consists of the
// layers up to the s-th exit. Windows are not padded, so the attention needs no mask; dropout is for training
// only.
#pragma once

#include <ATen/ATen.h>

#include <string>
#include <vector>

#include "models/bert_config.h"
#include "models/compute_device.h"
#include "models/prepacked_conv.h"
#include "models/staged_model.h"
#include "models/weights.h"

namespace alertbench {

constexpr double bert_norm_epsilon = 1e-12;
// The name of the head of the exit after layer `exit`, in state dictionaries: "qa_outputs", or "exits.K".
std::string bert_head_name(const BertConfig& config, int exit);

// Returns weights like those of BERT before its training: normal with standard deviation 0.02, biases 0,
// layer norms the identity. The same seed gives the same weights.
Weights random_weights(const BertConfig& config, uint64_t seed);

// Reads weights from a state dictionary with the names of Hugging Face's BertForQuestionAnswering
// ("bert.encoder.layer.0....") or BertModel ("encoder.layer.0...."). The head of the last exit is
// "qa_outputs", and that of an earlier exit is "exits.K", where K is its layer. Other entries of public files
// are ignored ("bert.pooler", "cls", "bert.embeddings.position_ids"), and layer norms may have their old
// names gamma and beta. Throws InputError like fill_weights().
Weights read_weights(const BertConfig& config, const std::string& path);

// Weights to begin a training with: as read_weights(), but heads that the file does not have are random, of
// this seed, and earlier exits and deeper layers that the network does not have are left out.
struct FirstWeights {
  Weights weights;
  std::vector<std::string> new_heads;  // names of the random ones
};
FirstWeights read_first_weights(const BertConfig& config, const std::string& path, uint64_t seed);

class BertReader : public StagedModel {
 public:
  // `weights` must have the names of random_weights(config), and lie on the processor.
  BertReader(const BertConfig& config, const Weights& weights, const ComputeDevice& device = {});

  // Stages and blocks as in models/staged_model.h. A block is one layer on one window: window after window,
  // each through all layers of the stage, with the embedding before the first layer and the stage's head
  // after its last.
  int stages() const override { return config_.stages(); }
  int blocks(int stage) const override;
  // InputError names the window and its fault: no tokens, more than `positions`, different numbers of types
  // and ids, or an id or type that the network does not have. Also InputError if there is no window.
  void set_windows(const std::vector<TokenWindow>& windows);
  void set_input(const NetworkInput& input) override {
    set_windows(input_of_kind<TokenWindows>(input, "windows of tokens").windows);
  }
  void run_block(int stage, int block) override;
  // Returns, for each window in order, the start scores of its tokens and then their end scores (logits),
  // from this stage's head.
  std::vector<float> scores(int stage) const override;

 private:
  struct LayerNorm {
    at::Tensor weight, bias;  // [hidden]
    at::Tensor operator()(const at::Tensor& x) const;
  };
  struct Layer {
    PrepackedLinear query_key_value;  // side by side, for one product instead of three; q is scaled
    PrepackedLinear attention_output;
    LayerNorm attention_norm;
    PrepackedLinear intermediate, output;
    LayerNorm output_norm;
  };
  struct Window {
    at::Tensor ids, types;            // [tokens], int64, parts of input_
    at::Tensor state;                 // [tokens, hidden], after the last layer that ran
    std::vector<at::Tensor> answers;  // [tokens, 2] per stage
  };

  int layers_before(int stage) const { return stage > 0 ? config_.exits[static_cast<size_t>(stage) - 1] : 0; }
  at::Tensor embed(const Window& window) const;
  at::Tensor attend(const Layer& layer, const at::Tensor& x) const;  // before W_a
  at::Tensor head_by_head(const at::Tensor& query_key_value) const;
  at::Tensor all_heads(const at::Tensor& query_key_value) const;
  at::Tensor run_layer(const Layer& layer, const at::Tensor& x) const;

  BertConfig config_;
  at::Tensor word_embeddings_, position_embeddings_, type_embeddings_;  // [.., hidden]
  LayerNorm embedding_norm_;
  std::vector<Layer> layers_;
  std::vector<PrepackedLinear> heads_;  // per stage
  std::vector<Window> windows_;
  InputTensor input_;  // [2, tokens of all windows]: ids, types
  ComputeDevice device_;
};

}  // namespace alertbench
