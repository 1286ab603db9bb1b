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
  int hidden = 768;         // numbers per token
  int layers = 12;          // of the encoder
  int heads = 12;           // each of hidden / heads numbers; default in a file: hidden / 64, at least 1
  int intermediate = 3072;  // width inside a layer's feed-forward half; default in a file: 4 * hidden
  int positions = 512;      // tokens of the longest window
  int types = 2;            // question and context
  // The layers after which an answer can be given, in increasing order; each is one stage, and the last is
  // `layers`. Default in a file: [layers].
  std::vector<int> exits = {layers};

  int stages() const { return static_cast<int>(exits.size()); }

  // Throws InputError that names the key if a value is unknown or inconsistent (heads that do not divide
  // hidden, exits that do not increase). The message begins with `where`, the file and network.
  static BertConfig from_json(const nlohmann::json& j, const std::string& where);

  // Counts embeddings, encoder, and an answer head per exit; there is no pooler.
  int64_t parameters() const;
  // Returns the operations for one window of `tokens` tokens up to the end of each stage, including the heads
  // of earlier exits: the products with weights, and in the attention the products of queries with keys and
  // of their scores with values. Biases, norms, GELU and softmax do not count.
  std::vector<int64_t> multiply_accumulates(int64_t tokens) const;
};

}  // namespace alertbench
