#include "models/tensor_pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "base/error.h"

namespace alertbench {
namespace {

constexpr size_t most_values =
    1'000'000;  // a tensor takes some 20; with an optimizer's state BERT-large has 1,200 tensors
constexpr size_t most_dimensions = 8, most_wrappers = 8, longest_name = 1000;

// Where training scripts put the state dictionary in a checkpoint, the most telling name first.
constexpr const char* usual_keys[] = {"state_dict", "model_state_dict", "model_state", "model", "module",
                                      "net",        "network",          "weights",     "params"};

struct StorageType {
  NumberType type;
  size_t size;
  bool usable = true;  // as weights; of the others the size alone is known
};

const StorageType* storage_type(const std::string& name) {
  static const std::map<std::string, StorageType> types{{"torch.DoubleStorage", {NumberType::float64, 8}},
                                                        {"torch.FloatStorage", {NumberType::float32, 4}},
                                                        {"torch.HalfStorage", {NumberType::float16, 2}},
                                                        {"torch.BFloat16Storage", {NumberType::bfloat16, 2}},
                                                        {"torch.LongStorage", {NumberType::integer, 8}},
                                                        {"torch.IntStorage", {NumberType::integer, 4}},
                                                        {"torch.ShortStorage", {NumberType::integer, 2}},
                                                        {"torch.CharStorage", {NumberType::integer, 1}},
                                                        {"torch.ByteStorage", {NumberType::integer, 1}},
                                                        {"torch.BoolStorage", {NumberType::integer, 1}},
                                                        {"torch.ComplexFloatStorage", {{}, 8, false}},
                                                        {"torch.ComplexDoubleStorage", {{}, 16, false}},
                                                        {"torch.QInt8Storage", {{}, 1, false}},
                                                        {"torch.QUInt8Storage", {{}, 1, false}},
                                                        {"torch.QInt32Storage", {{}, 4, false}},
                                                        {"torch.QUInt4x2Storage", {{}, 1, false}},
                                                        {"torch.QUInt2x4Storage", {{}, 1, false}},
                                                        {"torch.storage.UntypedStorage", {{}, 1, false}}};
  auto it = types.find(name);
  if (it == types.end() && name.rfind("torch.cuda.", 0) == 0) it = types.find("torch." + name.substr(11));
  return it == types.end() ? nullptr : &it->second;
}

std::string unusable_numbers(const std::string& type) {
  return fmt::format("numbers of type {}; only float64, float32, float16 and bfloat16 are supported",
                     printable_name(type));
}

}  // namespace

std::string printable_name(const std::string& text) {
  std::string shown = text.substr(0, 200);
  for (char& c : shown)
    if (c < ' ' || c > '~') c = '?';
  return shown;
}

TensorPickle::TensorPickle(std::string_view bytes, const std::string& path) : bytes_(bytes), path_(path) {
  top_ = run();
}

void TensorPickle::fail(const std::string& what) const {
  throw InputError(fmt::format("{}: {}", path_, what));
}

void TensorPickle::broken(const std::string& what) const {
  fail(fmt::format("not a readable weights file: {} (byte {} of its data.pkl)", what, at_));
}

std::string_view TensorPickle::bytes(size_t count) {
  if (count > bytes_.size() - at_) broken("it ends too early");
  at_ += count;
  return bytes_.substr(at_ - count, count);
}

uint64_t TensorPickle::unsigned_number(size_t size) {  // least significant byte first
  const std::string_view raw = bytes(size);
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
  return value;
}

size_t TensorPickle::long_number(size_t size) {
  if (size > 8) {  // none that a tensor has
    bytes(size);
    return make(Kind::nothing);
  }
  uint64_t value = unsigned_number(size);
  if (size > 0 && size < 8 && value >> (8 * size - 1)) value |= ~uint64_t{0} << (8 * size);
  return make(Kind::number, static_cast<int64_t>(value));
}

// "12", "12L" or, for a truth value, "01".
size_t TensorPickle::decimal_number(const std::string& text) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) return make(Kind::nothing);
  if (error != std::errc() || (stop != end && std::string_view(stop) != "L"))
    broken("a whole number is expected");
  return make(Kind::number, value);
}

std::string TensorPickle::line() {
  const size_t end = bytes_.find('\n', at_);
  if (end == std::string_view::npos) broken("it ends too early");
  const std::string text(bytes(end - at_));
  ++at_;
  return text;
}

size_t TensorPickle::make(Kind kind, int64_t number, std::string text, std::vector<size_t> items) {
  if (values_.size() >= most_values) broken("more values than a state dictionary has");
  values_.push_back({kind, number, std::move(text), std::move(items)});
  return values_.size() - 1;
}

size_t TensorPickle::pop() {
  if (stack_.empty() || values_[stack_.back()].kind == Kind::mark) broken("a value is missing");
  const size_t index = stack_.back();
  stack_.pop_back();
  return index;
}

std::vector<size_t> TensorPickle::pop_to_mark() {
  std::vector<size_t> items;
  while (!stack_.empty() && values_[stack_.back()].kind != Kind::mark) items.push_back(pop());
  if (stack_.empty()) broken("a mark is missing");
  stack_.pop_back();
  std::reverse(items.begin(), items.end());
  return items;
}

std::vector<size_t> TensorPickle::pop_some(size_t count) {
  std::vector<size_t> items(count);
  while (count-- > 0) items[count] = pop();
  return items;
}

void TensorPickle::append(Kind kind, const std::vector<size_t>& items) {
  const size_t target = pop();
  push(target);
  if (values_[target].kind == Kind::object) return;
  if (values_[target].kind != kind || (kind == Kind::dictionary && items.size() % 2))
    broken("items without a container");
  std::vector<size_t>& all = values_[target].items;
  if (all.size() + items.size() > 2 * most_values) broken("more items than a state dictionary has");
  all.insert(all.end(), items.begin(), items.end());
}

void TensorPickle::remember(size_t key) {
  if (stack_.empty() || values_[stack_.back()].kind == Kind::mark) broken("a value is missing");
  if (key >= most_values) broken("more values than a state dictionary has");
  if (key >= memo_.size()) memo_.resize(key + 1, {false, 0});
  memo_[key] = {true, stack_.back()};
}

void TensorPickle::recall(size_t key) {
  if (key >= memo_.size() || !memo_[key].first) broken("a value is recalled that was never stored");
  push(memo_[key].second);
}

const TensorPickle::Value& TensorPickle::need(size_t index, Kind kind, const char* what) const {
  if (values_[index].kind != kind) broken(fmt::format("{} is expected", what));
  return values_[index];
}

// Not copied where it is long: a pickle can name one long text again and again.
const std::string& TensorPickle::name(size_t index, const char* what) const {
  const std::string& text = need(index, Kind::text, what).text;
  if (text.size() > longest_name) broken(fmt::format("{} of {} bytes", what, text.size()));
  return text;
}

// Copies, as making values moves them; at most so many, as a pickle can name one long sequence again and
// again.
std::vector<size_t> TensorPickle::first_items(size_t index, size_t most, const char* what) const {
  const std::vector<size_t>& all = need(index, Kind::sequence, what).items;
  return {all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()))};
}

std::vector<int64_t> TensorPickle::numbers(size_t index, const char* what) const {
  const std::vector<size_t>& items = need(index, Kind::sequence, what).items;
  if (items.size() > most_dimensions) broken(fmt::format("{} of {} numbers", what, items.size()));
  std::vector<int64_t> all;
  for (const size_t i : items) all.push_back(need(i, Kind::number, what).number);
  return all;
}

// ('storage', torch.FloatStorage, key, device, count, view); the older format has a view, of None, and also
// ('module', class, file, source).
size_t TensorPickle::storage(size_t index) {
  const std::vector<size_t> parts = first_items(index, 6, "a storage");
  if (parts.size() == 4 && values_[parts[0]].text == "module") return parts[1];
  if (parts.size() < 5) broken("a storage is expected");
  if (parts.size() > 5 && values_[parts[5]].kind == Kind::sequence)
    fail("storages that are parts of others (PyTorch before 0.4); save it again with a later version");
  const std::string& type = need(parts[1], Kind::global, "a type of storage").text;
  const StorageType* known = storage_type(type);
  if (known) storages_.push_back({known->type, known->size, name(parts[2], "the key of a storage")});
  if (!known || !known->usable) return make(Kind::object, 0, unusable_numbers(type));
  return make(Kind::storage, static_cast<int64_t>(storages_.size() - 1));
}

// _rebuild_tensor_v2(storage, offset, size, stride, gradient, hooks, flags)
size_t TensorPickle::tensor(size_t arguments_at) {
  const std::vector<size_t> arguments = first_items(arguments_at, 7, "arguments");
  if (arguments.size() < 4) broken("a tensor with too few arguments");
  if (values_[arguments[0]].kind == Kind::object) return arguments[0];
  if (arguments.size() > 6 && !values_[arguments[6]].items.empty())  // {'neg': True}
    return make(
        Kind::object, 0,
        "its numbers are negated or conjugated by a flag; save `tensor.resolve_neg().resolve_conj()`");
  PickledTensor t;
  t.storage = static_cast<size_t>(need(arguments[0], Kind::storage, "a storage").number);
  t.offset = need(arguments[1], Kind::number, "an offset").number;
  t.shape = numbers(arguments[2], "a shape");
  t.stride = numbers(arguments[3], "a stride");
  tensors_.push_back(std::move(t));
  return make(Kind::tensor, static_cast<int64_t>(tensors_.size() - 1));
}

// OrderedDict([[key, value], ...]), as Python 2 wrote it.
size_t TensorPickle::dictionary(size_t arguments) {
  std::vector<size_t> items;
  const std::vector<size_t> list = first_items(arguments, 1, "arguments");
  if (!list.empty() && values_[list[0]].kind == Kind::sequence)
    for (const size_t pair : values_[list[0]].items) {
      const std::vector<size_t> both = first_items(pair, 2, "a key with its value");
      if (both.size() < 2) broken("a key with its value is expected");
      items.insert(items.end(), both.begin(), both.end());
      if (++pairs_ > most_values) broken("more items than a state dictionary has");
    }
  return make(Kind::dictionary, 0, {}, std::move(items));
}

size_t TensorPickle::call(size_t function, size_t arguments) {
  if (values_[function].kind != Kind::global) return make(Kind::object, 0, "it would call an object");
  const std::string& called = values_[function].text;
  if (called == "collections.OrderedDict" || called == "collections.defaultdict")
    return dictionary(arguments);
  if (called == "torch._utils._rebuild_tensor_v2" || called == "torch._utils._rebuild_tensor")
    return tensor(arguments);
  if (called == "torch._utils._rebuild_parameter" || called == "torch._utils._rebuild_parameter_with_state" ||
      called == "torch.jit._pickle.restore_type_tag")
    if (const std::vector<size_t> first = first_items(arguments, 1, "arguments"); !first.empty())
      return first[0];
  if (called ==
      "torch._utils._rebuild_tensor_v3")  // (..., type of numbers, flags), of types without a storage
    if (const std::vector<size_t> parts = first_items(arguments, 7, "arguments");
        parts.size() == 7 && values_[parts[6]].kind == Kind::global)
      return make(Kind::object, 0, unusable_numbers(values_[parts[6]].text));
  if (called == "torch._tensor._rebuild_from_type_v2") {  // (function, type, arguments, attributes)
    const std::vector<size_t> parts = first_items(arguments, 3, "arguments");
    if (parts.size() == 3 && values_[parts[0]].kind == Kind::global &&
        values_[parts[0]].text == "torch._utils._rebuild_tensor_v2")
      return tensor(parts[2]);
  }
  return make(Kind::object, 0, fmt::format("it would call {}", printable_name(called)));
}

size_t TensorPickle::run() {
  const auto text = [&](size_t size) { push(make(Kind::text, 0, std::string(bytes(size)))); };
  const auto object = [&](size_t type) {
    push(make(Kind::object, 0, "Python objects, of type " + printable_name(values_[type].text)));
  };
  while (true) {
    const unsigned char code = static_cast<unsigned char>(bytes(1)[0]);
    switch (code) {
      case 0x80:
        bytes(1);
        break;  // protocol
      case 0x95:
        bytes(8);
        break;  // frame
      case '.':
        return pop();
      case '(':
        push(make(Kind::mark));
        break;
      case '0':
        pop();
        break;
      case '1':
        pop_to_mark();
        break;
      case '2': {
        const size_t value = pop();
        push(value), push(value);
        break;
      }
      case 'N':
        push(make(Kind::nothing));
        break;
      case 0x88:
        push(make(Kind::number, 1));
        break;
      case 0x89:
        push(make(Kind::number, 0));
        break;
      case 'K':
        push(make(Kind::number, static_cast<int64_t>(unsigned_number(1))));
        break;
      case 'M':
        push(make(Kind::number, static_cast<int64_t>(unsigned_number(2))));
        break;
      case 'J':
        push(make(Kind::number, static_cast<int32_t>(unsigned_number(4))));
        break;
      case 0x8a:
        push(long_number(unsigned_number(1)));
        break;
      case 0x8b:
        push(long_number(unsigned_number(4)));
        break;
      case 'I':
      case 'L':
        push(decimal_number(line()));
        break;
      case 'G':
        bytes(8), push(make(Kind::nothing));
        break;  // a real number: none is part of a tensor
      case 'U':
      case 0x8c:
      case 'C':
        text(unsigned_number(1));
        break;
      case 'X':
      case 'T':
      case 'B':
        text(unsigned_number(4));
        break;
      case 0x8d:
      case 0x8e:
      case 0x96:
        text(unsigned_number(8));
        break;
      case ')':
      case ']':
      case 0x8f:
        push(make(Kind::sequence));
        break;
      case '}':
        push(make(Kind::dictionary));
        break;
      case 0x85:
      case 0x86:
      case 0x87:
        push(make(Kind::sequence, 0, {}, pop_some(code - 0x84u)));
        break;
      case 't':
      case 'l':
      case 0x91:
        push(make(Kind::sequence, 0, {}, pop_to_mark()));
        break;
      case 'd': {
        std::vector<size_t> items = pop_to_mark();
        if (items.size() % 2) broken("a dictionary with one key too many");
        push(make(Kind::dictionary, 0, {}, std::move(items)));
        break;
      }
      case 'a':
        append(Kind::sequence, pop_some(1));
        break;
      case 'e':
      case 0x90:
        append(Kind::sequence, pop_to_mark());
        break;
      case 's':
        append(Kind::dictionary, pop_some(2));
        break;
      case 'u':
        append(Kind::dictionary, pop_to_mark());
        break;
      case 'q':
        remember(unsigned_number(1));
        break;
      case 'r':
        remember(unsigned_number(4));
        break;
      case 0x94:
        remember(memo_.size());
        break;
      case 'h':
        recall(unsigned_number(1));
        break;
      case 'j':
        recall(unsigned_number(4));
        break;
      case 'c': {
        const std::string module = line(), name = line();
        push(make(Kind::global, 0, module + "." + name));
        break;
      }
      case 0x93: {
        const std::vector<size_t> parts = pop_some(2);
        push(
            make(Kind::global, 0, name(parts[0], "a module") + "." + name(parts[1], "a type or a function")));
        break;
      }
      case 'Q':
        push(storage(pop()));
        break;
      case 'R': {
        const size_t arguments = pop(), function = pop();
        push(call(function, arguments));
        break;
      }
      case 0x81: {
        pop();
        const size_t type = pop();
        if (values_[type].text == "collections.OrderedDict")
          push(make(Kind::dictionary));
        else
          object(type);
        break;
      }
      case 0x92:
        pop(), pop(), object(pop());
        break;
      case 'o': {
        const std::vector<size_t> parts = pop_to_mark();
        if (parts.empty()) broken("a type is missing");
        object(parts[0]);
        break;
      }
      case 'b':
        pop();
        break;  // attributes of the object below, such as a state dictionary's _metadata
      case 'p':
      case 'g':
      case 'P':
      case 'V':
      case 'S':
      case 'F':
      case 'i':
        fail(
            "written with pickle protocol 0, which PyTorch cannot read either; save it again with "
            "`pickle_protocol=2`");
      default:
        broken(fmt::format("code 0x{:02x} is not part of a state dictionary", code));
    }
  }
}

// A checkpoint holds the dictionary under a key; what else it holds is passed over.
size_t TensorPickle::dictionary_of_tensors() const {
  size_t at = top_;
  for (size_t depth = 0; depth < most_wrappers; ++depth) {
    const Value& value = values_[at];
    if (value.kind == Kind::object)
      fail(
          fmt::format("contains more than a dictionary of tensors ({}); in Python save `model.state_dict()`, "
                      "not the model",
                      value.text));
    if (value.kind != Kind::dictionary)
      fail(
          "does not contain a plain dictionary of tensors; in Python save `model.state_dict()`, not the "
          "model or a "
          "checkpoint");
    const auto under = [&](const std::string& key) {
      for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
        const Value &k = values_[value.items[i]], &v = values_[value.items[i + 1]];
        if (k.kind == Kind::text && k.text == key && (v.kind == Kind::dictionary || v.kind == Kind::object))
          return value.items[i + 1];
      }
      return at;
    };
    size_t inner = at;
    for (const char* key : usual_keys)
      if (inner == at) inner = under(key);
    if (inner == at) return at;
    at = inner;
  }
  fail("endlessly nested dictionaries; in Python save `model.state_dict()`");
}

std::vector<PickledTensor> TensorPickle::tensors() const {
  const Value& dictionary = values_[dictionary_of_tensors()];
  std::vector<PickledTensor> all;
  std::set<std::string> names;
  for (size_t i = 0; i + 1 < dictionary.items.size(); i += 2) {
    const Value &key = values_[dictionary.items[i]], &value = values_[dictionary.items[i + 1]];
    if (key.kind != Kind::text) fail("a key of its dictionary is not a string; save `model.state_dict()`");
    if (value.kind != Kind::tensor)
      fail(fmt::format(
          "\"{}\" is not a tensor{}; in Python save `model.state_dict()`, or a checkpoint with it under "
          "\"state_dict\"",
          printable_name(key.text), value.kind == Kind::object ? fmt::format(" ({})", value.text) : ""));
    if (!names.insert(key.text).second) fail(fmt::format("duplicate name \"{}\"", printable_name(key.text)));
    all.push_back(tensors_[static_cast<size_t>(value.number)]);
    all.back().name = printable_name(key.text);
  }
  return all;
}

std::vector<std::string> TensorPickle::texts() const {
  std::vector<std::string> all;
  for (const size_t i : need(top_, Kind::sequence, "a list").items) all.push_back(name(i, "a string"));
  return all;
}

}  // namespace alertbench
