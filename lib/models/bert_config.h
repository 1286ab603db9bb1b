// The shape of a BERT that answers questions (Devlin et al., "BERT", 2019; the miniatures of Turc et al.,
// "Well-Read Students Learn Better", 2019), as a network file states it. Needs no LibTorch.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace alertbench {

struct BertConfig {
  int vocabulary = 30522;
  int hidden = 768;         // numbers of a token
  int layers = 12;          // of the encoder
  int heads = 12;           // of hidden / heads numbers each; default in a file: hidden / 64, at least 1
  int intermediate = 3072;  // width inside a layer's feed-forward half; default in a file: 4 * hidden
  int positions = 512;      // tokens of the longest window
  int types = 2;            // question and context
  // Layers behind which an answer can be given: one stage each, rising, the last is `layers`. Default in a
  // file: [layers].
  std::vector<int> exits = {layers};

  int stages() const { return static_cast<int>(exits.size()); }

  // Throws InputError naming the key where a value is unknown or does not fit (heads that do not divide
  // hidden, exits that do not rise). `where` opens the message: file and network.
  static BertConfig from_json(const nlohmann::json& j, const std::string& where);

  // Embeddings, encoder, and an answer head per exit; there is no pooler.
  int64_t parameters() const;
  // Of one window of `tokens` tokens up to the end of each stage, heads of earlier exits included: products
  // with weights, and in the attention of queries with keys and of their scores with values. Biases, norms,
  // GELU and softmax do not count.
  std::vector<int64_t> multiply_accumulates(int64_t tokens) const;
};

}  // namespace alertbench
