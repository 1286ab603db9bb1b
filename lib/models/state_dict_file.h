// Reads a state dictionary, names and tensors, in the forms that it is handed around in: what
// `torch.save(model.state_dict(), path)` of Python or torch::pickle_save of LibTorch wrote (in zip format, or
// as PyTorch before 1.6), also within a checkpoint under one of the usual keys ("state_dict", "model", ...);
// safetensors; and the index of several such files (*.index.json). Needs no LibTorch, and runs nothing
// (models/tensor_pickle.h).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace alertbench {

enum class NumberType {
  float64,
  float32,
  float16,
  bfloat16,
  integer
};  // integer: whole numbers of any size, and booleans

struct StoredTensor {
  std::string name;
  NumberType type = NumberType::float32;
  std::vector<int64_t> shape, stride;  // stride in numbers; may be 0
  // From the first number to the last one in use; every index within shape and stride lies inside.
  std::string_view data;
};

class StateDictFile {
 public:
  // InputError names the file and what is wrong: torn, damaged, another format, no dictionary of tensors, ...
  // The file is mapped, not copied: leave it as it is while this lives.
  static StateDictFile read(const std::string& path);
  StateDictFile(StateDictFile&&) = default;

  const std::vector<StoredTensor>& tensors() const {
    return tensors_;
  }                                                         // of different names, as they stand in the file
  const StoredTensor* find(const std::string& name) const;  // nullptr: not there

 private:
  StateDictFile() = default;
  std::vector<std::shared_ptr<const void>> mapped_;  // `data` of every tensor lies in here
  std::vector<StoredTensor> tensors_;
};

}  // namespace alertbench
