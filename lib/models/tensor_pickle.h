// Reads the pickle in a PyTorch file: which tensors it names, and where their numbers are. A pickle is a
// program that may call any Python function, but none is called here: the functions that rebuild tensors and
// dictionaries are emulated, and of all others only the name is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/state_dict_file.h"

namespace alertbench {

struct PickledStorage {
  NumberType type;  // of no meaning where no tensor names it
  size_t number_size;
  std::string key;
};

struct PickledTensor {
  std::string name;
  size_t storage;  // index
  int64_t offset;  // in numbers; not checked against the storage
  std::vector<int64_t> shape, stride;
};

// The stack machine of pickle (Python's Lib/pickletools.py documents its codes). Values live in one list and
// name each other by index, so that no nesting can exhaust the stack.
class TensorPickle {
 public:
  // Interprets the pickle at the beginning of `bytes`; messages begin with `path`. InputError if it cannot be
  // read.
  TensorPickle(std::string_view bytes, const std::string& path);

  size_t end() const { return at_; }  // where the next pickle would begin
  const std::vector<PickledStorage>& storages() const { return storages_; }
  // Returns the tensors of its dictionary, which is the complete pickle or, in a checkpoint, the value of one
  // of the usual keys ("state_dict", "model", ...). InputError if there is no such dictionary.
  std::vector<PickledTensor> tensors() const;
  std::vector<std::string> texts() const;  // if the pickle is a list of strings; otherwise InputError

 private:
  enum class Kind { mark, nothing, number, text, sequence, dictionary, global, storage, tensor, object };
  struct Value {
    Kind kind = Kind::nothing;
    int64_t number = 0;         // also: index of a storage or a tensor
    std::string text;           // also: module.name of a global; of an object what is not done here
    std::vector<size_t> items;  // of a sequence; of a dictionary key, value, key, value, ...
  };

  [[noreturn]] void fail(const std::string& what) const;
  [[noreturn]] void broken(const std::string& what) const;
  std::string_view bytes(size_t count);
  uint64_t unsigned_number(size_t size);
  size_t long_number(size_t size);
  size_t decimal_number(const std::string& text);
  std::string line();

  size_t make(Kind kind, int64_t number = 0, std::string text = {}, std::vector<size_t> items = {});
  void push(size_t index) { stack_.push_back(index); }
  size_t pop();
  std::vector<size_t> pop_to_mark();
  std::vector<size_t> pop_some(size_t count);
  void append(Kind kind, const std::vector<size_t>& items);
  void remember(size_t key);
  void recall(size_t key);

  const Value& need(size_t index, Kind kind, const char* what) const;
  const std::string& name(size_t index, const char* what) const;
  std::vector<size_t> first_items(size_t index, size_t most, const char* what) const;
  std::vector<int64_t> numbers(size_t index, const char* what) const;
  size_t storage(size_t index);
  size_t tensor(size_t arguments);
  size_t dictionary(size_t arguments);
  size_t call(size_t function, size_t arguments);
  size_t run();
  size_t dictionary_of_tensors() const;

  std::string_view bytes_;
  const std::string& path_;
  size_t at_ = 0, top_ = 0, pairs_ = 0;
  std::vector<Value> values_;
  std::vector<size_t> stack_;
  std::vector<std::pair<bool, size_t>> memo_;  // by key; false: never kept
  std::vector<PickledStorage> storages_;
  std::vector<PickledTensor> tensors_;
};

// Makes a name safe for messages: without control characters and escape sequences, and of limited length.
std::string printable_name(const std::string& text);

}  // namespace alertbench
