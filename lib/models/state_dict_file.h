// Reads a state dictionary (names and tensors) in its common forms: files written by
// `torch.save(model.state_dict(), path)` in Python or by torch::pickle_save in LibTorch (in zip format, or in
// the format of PyTorch before 1.6), also within a checkpoint under one of the usual keys ("state_dict",
// "model", ...); safetensors; and the index of several such files (*.index.json). Needs no LibTorch, and runs
// no code from the file (models/tensor_pickle.h).
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
};  // integer: integers of any size, and booleans

struct StoredTensor {
  std::string name;
  NumberType type = NumberType::float32;
  std::vector<int64_t> shape, stride;  // stride in numbers; may be 0
  // Extends from the first to the last number in use; every index within shape and stride lies inside it.
  std::string_view data;
};

class StateDictFile {
 public:
  // InputError names the file and the fault: truncated, damaged, another format, not a dictionary of tensors,
  // and so on, and what to do about it. The file is mapped, not copied, so it must not change while this
  // object lives.
  static StateDictFile read(const std::string& path);
  StateDictFile(StateDictFile&&) = default;

  // The tensors in the order of the file. Their names are unique.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  const StoredTensor* find(const std::string& name) const;  // nullptr if there is none

 private:
  StateDictFile() = default;
  std::vector<std::shared_ptr<const void>> mapped_;  // `data` of every tensor lies in here
  std::vector<StoredTensor> tensors_;
};

}  // namespace alertbench
