// The shape of a (width-nested) LSTM language model, as a network file states it. Needs no LibTorch.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace alertbench {

struct LstmConfig {
  int vocabulary = 10000;
  int units = 200;  // of every layer, over all stripes; the embedding of a word has the same number of values
  int layers = 2;
  int stripes = 1;

  // Throws InputError that names the key if a value is unknown or inconsistent (units that the stripes do not
  // divide). The message begins with `where`, the file and network.
  static LstmConfig from_json(const nlohmann::json& j, const std::string& where);

  // Edges that do not exist are not counted; the output layer shares the embedding's weights.
  int64_t parameters() const;
  // Returns the operations for one word up to the end of each stage (only products with weights).
  std::vector<int64_t> multiply_accumulates() const;
};

}  // namespace alertbench
