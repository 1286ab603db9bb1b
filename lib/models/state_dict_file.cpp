#include "models/state_dict_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "core/error.h"
#include "models/stored_zip.h"

namespace alertbench {
namespace {

constexpr uintmax_t largest_file = 0xFFFFFFFE;
constexpr size_t largest_pickle = 16 << 20, most_values = 1'000'000, most_dimensions = 8;

struct Storage {
  NumberType type;
  size_t number_size;
  std::string_view data;
};

size_t size_of(const std::string& python_type) {
  static const std::map<std::string, size_t> sizes{
      {"DoubleStorage", 8}, {"FloatStorage", 4}, {"HalfStorage", 2}, {"BFloat16Storage", 2}, {"LongStorage", 8},
      {"IntStorage", 4},    {"ShortStorage", 2}, {"CharStorage", 1}, {"ByteStorage", 1},     {"BoolStorage", 1}};
  const auto it = sizes.find(python_type);
  return it == sizes.end() ? 0 : it->second;
}

NumberType type_of(const std::string& python_type) {
  if (python_type == "DoubleStorage") return NumberType::float64;
  if (python_type == "FloatStorage") return NumberType::float32;
  if (python_type == "HalfStorage") return NumberType::float16;
  if (python_type == "BFloat16Storage") return NumberType::bfloat16;
  return NumberType::integer;
}

// The stack machine of pickle (Python's Lib/pickletools.py documents its codes), as far as protocol 2 of a state
// dictionary needs it. Values live in one list and name each other by index, so that no nesting can exhaust the stack.
class Unpickler {
 public:
  Unpickler(std::string_view pickle, const std::map<std::string, std::string_view>& members, const std::string& prefix,
            const std::string& path)
      : pickle_(pickle), members_(members), prefix_(prefix), path_(path) {}

  std::vector<StoredTensor> tensors() {
    const Value& top = values_[run()];
    if (top.kind != Kind::dictionary)
      fail("holds no plain dictionary of tensors; in Python save `model.state_dict()`, not the model or a checkpoint");
    std::vector<StoredTensor> all;
    std::set<std::string> names;
    for (size_t i = 0; i + 1 < top.items.size(); i += 2) {
      const Value &key = values_[top.items[i]], &value = values_[top.items[i + 1]];
      if (key.kind != Kind::text) fail("a key of its dictionary is no string; save `model.state_dict()`");
      if (value.kind != Kind::tensor)
        fail(fmt::format("\"{}\" is no tensor; in Python save `model.state_dict()`, not a checkpoint around it",
                         printable(key.text)));
      if (!names.insert(key.text).second) fail(fmt::format("\"{}\" stands twice", printable(key.text)));
      all.push_back(tensors_[static_cast<size_t>(value.number)]);
      all.back().name = printable(key.text);
    }
    return all;
  }

 private:
  enum class Kind { mark, nothing, number, text, sequence, dictionary, global, storage, tensor };
  struct Value {
    Kind kind = Kind::nothing;
    int64_t number = 0;         // also: index of a storage or a tensor
    std::string text;           // also: module.name of a global
    std::vector<size_t> items;  // of a sequence; of a dictionary key, value, key, value, ...
  };

  [[noreturn]] void fail(const std::string& what) const { throw InputError(fmt::format("{}: {}", path_, what)); }
  [[noreturn]] void broken(const std::string& what) const {
    fail(fmt::format("not a readable weights file: {} (byte {} of its data.pkl)", what, at_));
  }
  static std::string printable(std::string text) {
    for (char& c : text)
      if (c < ' ' || c > '~') c = '?';
    return text.substr(0, 200);
  }

  std::string_view bytes(size_t count) {
    if (count > pickle_.size() - at_) broken("it ends too early");
    at_ += count;
    return pickle_.substr(at_ - count, count);
  }
  uint64_t unsigned_number(size_t size) {  // least significant byte first
    const std::string_view raw = bytes(size);
    uint64_t value = 0;
    for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
    return value;
  }
  int64_t long_number() {
    const size_t size = unsigned_number(1);
    if (size > 8) broken("a number of more than 8 bytes");
    if (size == 0) return 0;
    uint64_t value = unsigned_number(size);
    if (size < 8 && value >> (8 * size - 1)) value |= ~uint64_t{0} << (8 * size);
    return static_cast<int64_t>(value);
  }
  std::string line() {
    const size_t end = pickle_.find('\n', at_);
    if (end == std::string_view::npos) broken("it ends too early");
    const std::string text(bytes(end - at_));
    ++at_;
    return text;
  }

  size_t make(Kind kind, int64_t number = 0, std::string text = {}, std::vector<size_t> items = {}) {
    if (values_.size() >= most_values) broken("more values than a state dictionary has");
    values_.push_back({kind, number, std::move(text), std::move(items)});
    return values_.size() - 1;
  }
  void push(size_t index) { stack_.push_back(index); }
  size_t pop() {
    if (stack_.empty() || values_[stack_.back()].kind == Kind::mark) broken("a value is missing");
    const size_t index = stack_.back();
    stack_.pop_back();
    return index;
  }
  std::vector<size_t> pop_to_mark() {
    std::vector<size_t> items;
    while (!stack_.empty() && values_[stack_.back()].kind != Kind::mark) items.push_back(pop());
    if (stack_.empty()) broken("a mark is missing");
    stack_.pop_back();
    std::reverse(items.begin(), items.end());
    return items;
  }
  std::vector<size_t> pop_some(size_t count) {
    std::vector<size_t> items(count);
    while (count-- > 0) items[count] = pop();
    return items;
  }
  void append(Kind kind, const std::vector<size_t>& items) {
    const size_t target = pop();
    if (values_[target].kind != kind || (kind == Kind::dictionary && items.size() % 2))
      broken("items for no container");
    std::vector<size_t>& all = values_[target].items;
    if (all.size() + items.size() > 2 * most_values) broken("more items than a state dictionary has");
    all.insert(all.end(), items.begin(), items.end());
    push(target);
  }
  void remember(size_t key) {
    const size_t value = pop();
    memo_[key] = value;
    push(value);
  }
  void recall(size_t key) {
    const auto it = memo_.find(key);
    if (it == memo_.end()) broken("a value is recalled that was never kept");
    push(it->second);
  }

  const Value& need(size_t index, Kind kind, const char* what) {
    if (values_[index].kind != kind) broken(fmt::format("{} is expected", what));
    return values_[index];
  }
  std::vector<int64_t> numbers(size_t index, const char* what) {
    std::vector<int64_t> all;
    for (const size_t i : need(index, Kind::sequence, what).items) all.push_back(need(i, Kind::number, what).number);
    if (all.size() > most_dimensions) broken(fmt::format("{} of {} numbers", what, all.size()));
    return all;
  }

  // ('storage', torch.FloatStorage, key, device, count) stands for the member data/key.
  size_t storage(size_t index) {
    const std::vector<size_t> parts = need(index, Kind::sequence, "a storage").items;
    if (parts.size() < 5) broken("a storage is expected");
    const std::string type = need(parts[1], Kind::global, "a type of storage").text;
    const std::string python_type = type.rfind("torch.", 0) == 0 ? type.substr(6) : type;
    const size_t size = size_of(python_type);
    if (size == 0)
      fail(fmt::format("numbers of type {}; float64, float32, float16 and bfloat16 are read", printable(type)));
    const std::string key = need(parts[2], Kind::text, "the key of a storage").text;
    const auto member = members_.find(prefix_ + "data/" + key);
    if (member == members_.end()) broken(fmt::format("there is no member data/{}", printable(key)));
    storages_.push_back({type_of(python_type), size, member->second});
    return make(Kind::storage, static_cast<int64_t>(storages_.size() - 1));
  }

  // _rebuild_tensor_v2(storage, offset, size, stride, ...)
  size_t tensor(const std::vector<size_t>& arguments) {
    if (arguments.size() < 4) broken("a tensor of too few arguments");
    const Storage& s = storages_[static_cast<size_t>(need(arguments[0], Kind::storage, "a storage").number)];
    const int64_t offset = need(arguments[1], Kind::number, "an offset").number;
    StoredTensor t;
    t.type = s.type;
    t.shape = numbers(arguments[2], "a shape");
    t.stride = numbers(arguments[3], "a stride");
    const int64_t available = static_cast<int64_t>(s.data.size() / s.number_size);
    if (t.shape.size() != t.stride.size() || offset < 0 || offset > available)
      broken("shape, stride and offset of a tensor do not fit");
    int64_t last = offset;
    bool empty = false;
    for (size_t d = 0; d < t.shape.size(); ++d) {
      if (t.shape[d] < 0 || t.stride[d] < 0) broken("a negative shape or stride");
      empty = empty || t.shape[d] == 0;
    }
    for (size_t d = 0; d < t.shape.size() && !empty; ++d) {
      if (t.shape[d] == 1 || t.stride[d] == 0) continue;
      if (t.shape[d] - 1 > (available - last) / t.stride[d]) broken("a tensor larger than its data");
      last += (t.shape[d] - 1) * t.stride[d];
    }
    if (!empty) {
      if (last >= available) broken("a tensor larger than its data");
      t.data = s.data.substr(static_cast<size_t>(offset) * s.number_size,
                             static_cast<size_t>(last - offset + 1) * s.number_size);
    }
    tensors_.push_back(std::move(t));
    return make(Kind::tensor, static_cast<int64_t>(tensors_.size() - 1));
  }

  size_t call(size_t function, size_t arguments_at) {
    const std::string name = need(function, Kind::global, "a function").text;
    const std::vector<size_t> arguments = need(arguments_at, Kind::sequence, "arguments").items;
    if (name == "collections.OrderedDict" && arguments.empty()) return make(Kind::dictionary);
    if (name == "torch._utils._rebuild_tensor_v2") return tensor(arguments);
    const bool wrapper = name == "torch._utils._rebuild_parameter" || name == "torch.jit._pickle.restore_type_tag";
    if (wrapper && !arguments.empty()) return arguments[0];
    fail(fmt::format("holds more than a dictionary of tensors (it would call {}); in Python save `model.state_dict()`",
                     printable(name)));
  }

  size_t run() {
    while (true) {
      const unsigned char code = static_cast<unsigned char>(bytes(1)[0]);
      switch (code) {
        case 0x80: bytes(1); break;  // protocol
        case '.': return pop();
        case '(': push(make(Kind::mark)); break;
        case 'N': push(make(Kind::nothing)); break;
        case 0x88: push(make(Kind::number, 1)); break;
        case 0x89: push(make(Kind::number, 0)); break;
        case 'K': push(make(Kind::number, static_cast<int64_t>(unsigned_number(1)))); break;
        case 'M': push(make(Kind::number, static_cast<int64_t>(unsigned_number(2)))); break;
        case 'J': push(make(Kind::number, static_cast<int32_t>(unsigned_number(4)))); break;
        case 0x8a: push(make(Kind::number, long_number())); break;
        case 'G': bytes(8), push(make(Kind::nothing)); break;  // a real number: none is part of a tensor
        case 'X': push(make(Kind::text, 0, std::string(bytes(unsigned_number(4))))); break;
        case ')': push(make(Kind::sequence)); break;
        case ']': push(make(Kind::sequence)); break;
        case '}': push(make(Kind::dictionary)); break;
        case 0x85:
        case 0x86:
        case 0x87: push(make(Kind::sequence, 0, {}, pop_some(code - 0x84u))); break;
        case 't': push(make(Kind::sequence, 0, {}, pop_to_mark())); break;
        case 'a': append(Kind::sequence, pop_some(1)); break;
        case 'e': append(Kind::sequence, pop_to_mark()); break;
        case 's': append(Kind::dictionary, pop_some(2)); break;
        case 'u': append(Kind::dictionary, pop_to_mark()); break;
        case 'q': remember(unsigned_number(1)); break;
        case 'r': remember(unsigned_number(4)); break;
        case 'h': recall(unsigned_number(1)); break;
        case 'j': recall(unsigned_number(4)); break;
        case 'c': {
          const std::string module = line(), name = line();
          push(make(Kind::global, 0, module + "." + name));
          break;
        }
        case 'Q': push(storage(pop())); break;
        case 'R': {
          const size_t arguments = pop(), function = pop();
          push(call(function, arguments));
          break;
        }
        case 'b': pop(); break;  // attributes of the object below, such as a state dictionary's _metadata
        case 0x81: fail("holds Python objects, no plain dictionary of tensors; in Python save `model.state_dict()`");
        default: broken(fmt::format("code 0x{:02x} is no part of a state dictionary", code));
      }
    }
  }

  std::string_view pickle_;
  const std::map<std::string, std::string_view>& members_;
  const std::string& prefix_;
  const std::string& path_;
  size_t at_ = 0;
  std::vector<Value> values_;
  std::vector<size_t> stack_;
  std::map<size_t, size_t> memo_;
  std::vector<Storage> storages_;
  std::vector<StoredTensor> tensors_;
};

// Every member stands in one folder, whose name is the writer's choice.
std::string folder_of_pickle(const std::map<std::string, std::string_view>& members, const std::string& path) {
  const std::string pickle = "data.pkl";
  for (const auto& [name, data] : members)
    if (name.size() > pickle.size() &&
        name.compare(name.size() - pickle.size() - 1, std::string::npos, "/" + pickle) == 0)
      return name.substr(0, name.size() - pickle.size());
  throw InputError(path + ": not a weights file: a zip archive without a data.pkl of PyTorch");
}

}  // namespace

StateDictFile StateDictFile::read(const std::string& path) {
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  std::ifstream in(path, std::ios::binary);
  if (error || !in)
    throw InputError(
        fmt::format("{}: cannot open the weights ({})", path, error ? error.message() : std::strerror(errno)));
  if (size > largest_file)
    throw InputError(fmt::format("{}: {} bytes; weights of 4 GiB and more are not read", path, size));
  StateDictFile file;
  file.bytes_.resize(size);
  if (!in.read(file.bytes_.data(), static_cast<std::streamsize>(size)))
    throw InputError(path + ": cannot read the weights");
  const auto members = read_stored_zip({file.bytes_.data(), file.bytes_.size()}, path);
  const std::string prefix = folder_of_pickle(members, path);
  const auto order = members.find(prefix + "byteorder");
  if (order != members.end() && order->second != "little")
    throw InputError(path + ": written on a big-endian machine; save it again on a little-endian one");
  const std::string_view pickle = members.at(prefix + "data.pkl");
  if (pickle.size() > largest_pickle)
    throw InputError(fmt::format("{}: a data.pkl of {} bytes is no state dictionary's", path, pickle.size()));
  file.tensors_ = Unpickler(pickle, members, prefix, path).tensors();
  return file;
}

const StoredTensor* StateDictFile::find(const std::string& name) const {
  for (const StoredTensor& t : tensors_)
    if (t.name == name) return &t;
  return nullptr;
}

}  // namespace alertbench
