#include "models/state_dict_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/error.h"
#include "base/json_reader.h"
#include "models/mapped_file.h"
#include "models/stored_zip.h"
#include "models/tensor_pickle.h"

namespace alertbench {
namespace {

constexpr size_t largest_pickle =
    16 << 20;  // and header of safetensors; of the largest language models they have some 200 kB
constexpr JsonLimits header_limits{largest_pickle, 8, 4000000};

// The first pickle of the format before PyTorch 1.6: a magic number, binary behind the codes of the pickle's
// protocol (2 and 3; 4 and 5 have a frame), or in decimals (protocol 1).
constexpr std::string_view magic_number{"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13},
    magic_decimals{"L119547037146038801333356L\n."};
constexpr size_t after_protocol = 2, after_frame = 11;

// What else is taken for weights, by how it begins.
struct Foreign {
  std::string_view start;
  const char* what_to_do;
};
constexpr const char* save_as_weights =
    "load it with the library that wrote it, and save `torch.save(state_dict, path)` or safetensors";
constexpr Foreign foreign[] = {
    {"version https://git-lfs", "is a Git LFS pointer, not the weights; fetch them with `git lfs pull`"},
    {"<!DOCTYPE", "is a web page, not the weights; download the file itself"},
    {"<!doctype", "is a web page, not the weights; download the file itself"},
    {"<html", "is a web page, not the weights; download the file itself"},
    {"\x1f\x8b\x08", "is compressed; decompress it with `gunzip`"},
    {{"\xfd"
      "7zXZ\0",
      6},
     "is compressed; decompress it with `unxz`"},
    {"\x28\xb5\x2f\xfd", "is compressed; decompress it with `unzstd`"},
    {"BZh", "is compressed; decompress it with `bunzip2`"},
    {"\x89HDF", "is an HDF5 file (Keras), not a state_dict of PyTorch"},
    {"GGUF", "is a GGUF file (llama.cpp), not a state_dict of PyTorch"},
    {"\x93NUMPY", "is an array of NumPy, not a state_dict of PyTorch"},
};
constexpr std::string_view tar_mark{"ustar"};
constexpr size_t tar_mark_at = 257;

using Numbers = std::map<std::string, std::string_view>;  // bytes of a storage, by its key

uint64_t number_at(std::string_view bytes, size_t at) {  // least significant byte first
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

// Every member stands in one folder, whose name is the writer's choice.
std::string folder_of_pickle(const std::map<std::string, std::string_view>& members,
                             const std::string& path) {
  const std::string pickle = "data.pkl";
  for (const auto& [name, data] : members)
    if (name.size() > pickle.size() &&
        name.compare(name.size() - pickle.size() - 1, std::string::npos, "/" + pickle) == 0)
      return name.substr(0, name.size() - pickle.size());
  throw InputError(path +
                   ": not a weights file: a zip archive without a data.pkl of PyTorch (of torch.export, "
                   "AOTInductor, NumPy or Keras?); save `model.state_dict()` with torch.save or safetensors");
}

// A tensor and the bytes of its numbers; every index within shape and stride lies inside.
StoredTensor placed(const PickledTensor& p, const PickledStorage& storage, const Numbers& storages,
                    const std::string& path) {
  const auto broken = [&](const std::string& what) {
    throw InputError(fmt::format("{}: not a readable weights file: tensor \"{}\": {}", path, p.name, what));
  };
  const auto found = storages.find(storage.key);
  if (found == storages.end()) broken(fmt::format("member data/{} is missing", printable_name(storage.key)));
  StoredTensor t;
  t.name = p.name;
  t.type = storage.type;
  t.shape = p.shape;
  t.stride = p.stride;
  const auto available = static_cast<int64_t>(found->second.size() / storage.number_size);
  if (t.shape.size() != t.stride.size() || p.offset < 0 || p.offset > available)
    broken("shape, stride and offset of a tensor do not match");
  int64_t last = p.offset;
  bool empty = false;
  for (size_t d = 0; d < t.shape.size(); ++d) {
    if (t.shape[d] < 0 || t.stride[d] < 0) broken("a negative shape or stride");
    empty = empty || t.shape[d] == 0;
  }
  if (empty) return t;
  for (size_t d = 0; d < t.shape.size(); ++d) {
    if (t.shape[d] == 1 || t.stride[d] == 0) continue;
    if (t.shape[d] - 1 > (available - last) / t.stride[d]) broken("a tensor larger than its data");
    last += (t.shape[d] - 1) * t.stride[d];
  }
  if (last >= available) broken("a tensor larger than its data");
  t.data = found->second.substr(static_cast<size_t>(p.offset) * storage.number_size,
                                static_cast<size_t>(last - p.offset + 1) * storage.number_size);
  return t;
}

std::vector<StoredTensor> all_placed(const TensorPickle& pickle, const Numbers& storages,
                                     const std::string& path) {
  std::vector<StoredTensor> all;
  for (const PickledTensor& t : pickle.tensors())
    all.push_back(placed(t, pickle.storages()[t.storage], storages, path));
  return all;
}

std::vector<StoredTensor> read_zip(std::string_view bytes, const std::string& path) {
  const auto members = read_stored_zip(bytes, path);
  const std::string prefix = folder_of_pickle(members, path), data = prefix + "data/";
  const auto order = members.find(prefix + "byteorder");
  if (order != members.end() && order->second != "little")
    throw InputError(path + ": written on a big-endian machine; save it again on a little-endian one");
  const std::string_view pickle = members.at(prefix + "data.pkl");
  if (pickle.size() > largest_pickle)
    throw InputError(
        fmt::format("{}: a data.pkl of {} bytes is too large for a state dictionary", path, pickle.size()));
  Numbers storages;
  for (const auto& [name, content] : members)
    if (name.compare(0, data.size(), data) == 0) storages.emplace(name.substr(data.size()), content);
  return all_placed(TensorPickle(pickle, path), storages, path);
}

// Before PyTorch 1.6: pickles of a magic number, a version, facts of the machine, the value, the keys of its
// storages; then the storages in that order, each as its count of numbers (8 bytes) and the numbers.
std::vector<StoredTensor> read_legacy(std::string_view bytes, size_t at, const std::string& path) {
  const auto next = [&] {
    TensorPickle pickle(bytes.substr(at, largest_pickle), path);
    at += pickle.end();
    return pickle;
  };
  next();  // version
  next();  // facts
  const TensorPickle value = next();
  const std::vector<std::string> keys = next().texts();
  std::map<std::string, size_t> number_sizes;
  for (const PickledStorage& s : value.storages()) number_sizes.emplace(s.key, s.number_size);
  Numbers storages;
  for (const std::string& key : keys) {
    const auto size = number_sizes.find(key);
    const uint64_t left = bytes.size() - at;
    if (size == number_sizes.end() || left < 8 || number_at(bytes, at) > (left - 8) / size->second)
      throw InputError(fmt::format(
          "{}: not a readable weights file ({} bytes): truncated: the numbers of storage {} are missing",
          path, bytes.size(), printable_name(key)));
    const size_t length = number_at(bytes, at) * size->second;
    storages.emplace(key, bytes.substr(at + 8, length));
    at += 8 + length;
  }
  return all_placed(value, storages, path);
}

// A length (8 bytes), a JSON object of that length, the numbers (github.com/huggingface/safetensors).
std::vector<StoredTensor> read_safetensors(std::string_view bytes, const std::string& path) {
  static const std::map<std::string, std::pair<NumberType, int64_t>> types{
      {"F64", {NumberType::float64, 8}}, {"F32", {NumberType::float32, 4}},
      {"F16", {NumberType::float16, 2}}, {"BF16", {NumberType::bfloat16, 2}},
      {"I64", {NumberType::integer, 8}}, {"U64", {NumberType::integer, 8}},
      {"I32", {NumberType::integer, 4}}, {"U32", {NumberType::integer, 4}},
      {"I16", {NumberType::integer, 2}}, {"U16", {NumberType::integer, 2}},
      {"I8", {NumberType::integer, 1}},  {"U8", {NumberType::integer, 1}},
      {"BOOL", {NumberType::integer, 1}}};
  const uint64_t length = bytes.size() < 8 ? 0 : number_at(bytes, 0);
  if (length < 2 || length > bytes.size() - 8 || length > largest_pickle)
    throw InputError(fmt::format("{}: truncated, or not a safetensors file: {} bytes, with a header of {}",
                                 path, bytes.size(), length));
  const std::string_view numbers = bytes.substr(8 + length);
  const nlohmann::json header = parse_json(bytes.substr(8, length), path + ": header", header_limits);
  if (!header.is_object()) throw InputError(path + ": header: expected an object");
  std::vector<StoredTensor> all;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    JsonReader r(entry, fmt::format("{}: header: {}", path, printable_name(name)));
    StoredTensor t;
    t.name = printable_name(name);
    const auto type = types.find(r.text("dtype"));
    if (type == types.end())
      r.fail("dtype", fmt::format("numbers of type {}; only F64, F32, F16 and BF16 are supported",
                                  printable_name(r.text("dtype"))));
    t.type = type->second.first;
    const auto whole_numbers = [&](const char* key, size_t most) {
      const nlohmann::json& list = r.raw(key);
      const auto whole = [](const nlohmann::json& n) {
        return n.is_number_unsigned() && n.get<uint64_t>() < uint64_t{1} << 62;
      };
      if (!list.is_array() || list.size() > most || !std::all_of(list.begin(), list.end(), whole))
        r.fail(key, "expected whole numbers, found " + shown_json(list));
      return list.get<std::vector<int64_t>>();
    };
    t.shape = whole_numbers("shape", 8);
    const std::vector<int64_t> place = whole_numbers("data_offsets", 2);
    r.finish();
    t.stride.resize(t.shape.size());
    int64_t count = 1, size = 0;
    bool fits = true;
    for (size_t d = t.shape.size(); d-- > 0;) {
      t.stride[d] = count;
      fits = fits && !__builtin_mul_overflow(count, t.shape[d], &count);
    }
    fits = fits && !__builtin_mul_overflow(count, type->second.second, &size) && place.size() == 2;
    if (!fits || place[0] > place[1] || place[1] > static_cast<int64_t>(numbers.size()) ||
        place[1] - place[0] != size)
      r.fail(
          "data_offsets",
          fmt::format("{} does not fit {} of shape {} and the {} bytes of numbers: not a valid safetensors "
                      "file; save it again with `safetensors.torch.save_file(model.state_dict(), path)`",
                      shown_json(place), type->first, shown_json(r.raw("shape")), numbers.size()));
    t.data = numbers.substr(static_cast<size_t>(place[0]), static_cast<size_t>(size));
    all.push_back(std::move(t));
  }
  return all;
}

bool has_at(std::string_view bytes, size_t at, std::string_view text) {
  return at < bytes.size() && bytes.compare(at, text.size(), text) == 0;
}

bool is_pickle(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
}

// Where the magic number of the format before PyTorch 1.6 ends; 0 where it is not.
size_t end_of_magic(std::string_view bytes) {
  if (has_at(bytes, 0, magic_decimals)) return magic_decimals.size();
  for (const size_t at : {after_protocol, after_frame})
    if (is_pickle(bytes) && has_at(bytes, at, magic_number)) return at + magic_number.size();
  return 0;
}

// Protocol buffers have no mark: field 1 is the version, field 2 or 3 the producer.
bool like_onnx(std::string_view bytes) {
  return bytes.size() > 16 && bytes[0] == 8 && bytes[1] > 0 && bytes[1] < 32 &&
         (bytes[2] == 18 || bytes[2] == 26);
}

void refuse_foreign(std::string_view bytes, const std::string& path) {
  for (const auto& [start, what_to_do] : foreign)
    if (has_at(bytes, 0, start)) {
      const bool of_a_library = std::string_view(what_to_do).find(';') == std::string_view::npos;
      throw InputError(fmt::format("{}: {}{}{}", path, what_to_do, of_a_library ? "; " : "",
                                   of_a_library ? save_as_weights : ""));
    }
  if (has_at(bytes, tar_mark_at, tar_mark))
    throw InputError(path +
                     ": is a tar archive; unpack it, or save a checkpoint of PyTorch before 0.2 again with "
                     "torch.save of a later version");
  if (is_pickle(bytes))
    throw InputError(path +
                     ": is a pickle that torch.save did not write; load it in Python, and save its tensors "
                     "with `torch.save(state_dict, path)`");
  if (like_onnx(bytes))
    throw InputError(
        fmt::format("{}: looks like ONNX, not a state_dict of PyTorch; {}", path, save_as_weights));
}

std::vector<StoredTensor> read_any(std::string_view bytes, const std::string& path) {
  if (const size_t end = end_of_magic(bytes)) return read_legacy(bytes, end, path);
  if (bytes.size() > 8 && bytes[8] == '{' && number_at(bytes, 0) <= bytes.size() - 8)
    return read_safetensors(bytes, path);
  refuse_foreign(bytes, path);
  if (std::filesystem::path(path).extension() == ".safetensors") return read_safetensors(bytes, path);
  return read_zip(bytes, path);
}

}  // namespace

StateDictFile StateDictFile::read(const std::string& path) {
  if (std::error_code ignored; std::filesystem::is_directory(path, ignored))
    throw InputError(path +
                     ": is a folder; name the weights in it (model.safetensors, pytorch_model.bin, or the "
                     "index of several files, *.index.json)");
  StateDictFile file;
  if (std::filesystem::path(path).extension() != ".json") {
    MappedFile mapped = map_file(path);
    file.tensors_ = read_any(mapped.bytes, path);
    file.mapped_.push_back(std::move(mapped.owner));
    return file;
  }
  const nlohmann::json index = read_json_file(path, header_limits);
  JsonReader r(index, path);
  std::map<std::string, std::set<std::string>> names_in;  // by file
  const nlohmann::json& map = r.raw("weight_map");
  if (!map.is_object())
    r.fail("weight_map", "expected an object of tensor -> file, as in model.safetensors.index.json");
  for (const auto& [name, part] : map.items()) {
    const std::string in = part.is_string() ? part.get<std::string>() : "";
    if (in.empty() || in.find('/') != std::string::npos || std::filesystem::path(in).extension() == ".json")
      r.fail("weight_map", fmt::format("{}: {} is not a weights file in this folder", printable_name(name),
                                       shown_json(part)));
    names_in[in].insert(printable_name(name));
  }
  for (const auto& [in, names] : names_in) {
    const std::string part = (std::filesystem::path(path).parent_path() / in).string();
    MappedFile mapped = map_file(part);
    size_t found = 0;
    for (StoredTensor& t : read_any(mapped.bytes, part))
      if (names.count(t.name)) {
        file.tensors_.push_back(std::move(t));
        ++found;
      }
    if (found != names.size())
      throw InputError(fmt::format("{}: contains {} of the {} tensors listed for it in {}", part, found,
                                   names.size(), path));
    file.mapped_.push_back(std::move(mapped.owner));
  }
  return file;
}

const StoredTensor* StateDictFile::find(const std::string& name) const {
  for (const StoredTensor& t : tensors_)
    if (t.name == name) return &t;
  return nullptr;
}

}  // namespace alertbench
