#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "catch.h"
#include "core/error.h"
#include "models/state_dict_file.h"
#include "support.h"

using namespace alertbench;

namespace {

std::string number(uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}

using Members = std::vector<std::pair<std::string, std::string>>;

// As PyTorch writes it: nothing compressed, directory at the end.
std::string zip(const Members& members, uint32_t method = 0) {
  std::string body, directory;
  for (const auto& [name, data] : members) {
    const uint64_t checksum = crc32(0, reinterpret_cast<const Bytef*>(data.data()), static_cast<uInt>(data.size()));
    const std::string common = number(method, 2) + number(0, 4) + number(checksum, 4) + number(data.size(), 4) +
                               number(data.size(), 4) + number(name.size(), 2);
    directory += std::string("PK\1\2", 4) + number(0, 2) + number(0, 2) + number(0, 2) + common + number(0, 2) +
                 number(0, 2) + number(0, 8) + number(body.size(), 4) + name;
    body += std::string("PK\3\4", 4) + number(0, 2) + number(0, 2) + common + number(0, 2) + name + data;
  }
  return body + directory + std::string("PK\5\6", 4) + number(0, 4) + number(members.size(), 2) +
         number(members.size(), 2) + number(directory.size(), 4) + number(body.size(), 4) + number(0, 2);
}

// Pickle, protocol 2, by its codes.
std::string text(const std::string& t) { return "X" + number(t.size(), 4) + t; }
std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }
std::string integer(int64_t v) {
  return v >= 0 && v < 256 ? "K" + number(static_cast<uint64_t>(v), 1)
                           : "\x8a\x08" + number(static_cast<uint64_t>(v), 8);
}
std::string tuple(const std::vector<int64_t>& values) {
  std::string all = "(";
  for (const int64_t v : values) all += integer(v);
  return all + "t";
}
std::string tensor(const std::string& type, const std::string& key, int64_t offset, const std::vector<int64_t>& shape,
                   const std::vector<int64_t>& stride) {
  return global("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") + global("torch", type) + text(key) +
         text("cpu") + integer(6) + "tQ" + integer(offset) + tuple(shape) + tuple(stride) + "\x89" +
         global("collections", "OrderedDict") + ")RtR";
}
const std::string start = "\x80\x02", ordered = global("collections", "OrderedDict") + ")R";

StateDictFile read(const std::string& bytes) {
  const TemporaryFile file(bytes);
  return StateDictFile::read(file.path);
}

std::string six_floats() {
  const float values[] = {0, 1, 2, 3, 4, 5};
  return std::string(reinterpret_cast<const char*>(values), sizeof values);
}

std::string archive(const std::string& pickle) {
  return zip({{"net/data.pkl", pickle}, {"net/data/0", six_floats()}, {"net/version", "3\n"}});
}

std::string refusal(const std::string& bytes) {
  try {
    read(bytes);
  } catch (const InputError& e) {
    return e.what();
  }
  return "accepted";
}

std::string refused_pickle(const std::string& pickle) { return refusal(archive(start + pickle)); }

float float_at(const StoredTensor& t, size_t index) {
  float value;
  std::memcpy(&value, t.data.data() + index * sizeof value, sizeof value);
  return value;
}

const std::string sound = start + ordered + "q\x01(" + text("fc.weight") +
                          tensor("FloatStorage", "0", 1, {2, 2}, {1, 2}) + text("fc.count") +
                          tensor("LongStorage", "0", 0, {}, {}) + "u}" + text("_metadata") + ordered + "sb.";

}  // namespace

TEST_CASE("state dictionary: an OrderedDict with attributes, as Python writes it", "[state-dict]") {
  const StateDictFile file = read(archive(sound));
  REQUIRE(file.tensors().size() == 2);
  const StoredTensor* t = file.find("fc.weight");
  REQUIRE(t != nullptr);
  CHECK(t->type == NumberType::float32);
  CHECK(t->shape == std::vector<int64_t>{2, 2});
  CHECK(t->stride == std::vector<int64_t>{1, 2});
  REQUIRE(t->data.size() == 4 * sizeof(float));
  CHECK(float_at(*t, 0) == 1);
  CHECK(float_at(*t, 3) == 4);
  CHECK(file.find("fc.count")->type == NumberType::integer);
  CHECK(file.find("fc.count")->shape.empty());
  CHECK(file.find("fc") == nullptr);
}

TEST_CASE("state dictionary: a plain dictionary, a typed one, and parameters", "[state-dict]") {
  const std::string entry = text("w") + tensor("HalfStorage", "0", 0, {12}, {1});
  CHECK(read(archive(start + "}" + entry + "s.")).tensors()[0].type == NumberType::float16);
  CHECK(read(archive(start + global("torch.jit._pickle", "restore_type_tag") + "(}" + entry + "s" +
                     text("Dict[str, Tensor]") + "tR."))
            .tensors()[0]
            .shape == std::vector<int64_t>{12});
  CHECK(read(archive(start + "}" + text("w") + global("torch._utils", "_rebuild_parameter") + "(" +
                     tensor("BFloat16Storage", "0", 0, {3}, {4}) + "\x88" + ordered + "tRs."))
            .find("w")
            ->data.size() == 18);
  CHECK(read(archive(start + "}.")).tensors().empty());
  CHECK(read(archive(start + "}" + text("none") + tensor("FloatStorage", "0", 6, {0, 5}, {5, 1}) + "s."))
            .tensors()[0]
            .data.empty());
}

TEST_CASE("state dictionary: what is none is refused with a reason", "[state-dict]") {
  CHECK(contains(refusal(""), "torn, or not PyTorch's zip format"));
  CHECK(contains(refusal("no zip archive at all, but long enough for one"), "torn, or not PyTorch's zip format"));
  CHECK(contains(refusal(zip({{"readme", "hello"}})), "without a data.pkl"));
  CHECK(contains(refusal(zip({{"net/data.pkl", sound}}, 8)), "compressed"));
  CHECK(contains(refusal(zip({{"net/data.pkl", sound}, {"net/data.pkl", sound}})), "stands twice"));
  CHECK(contains(refusal(zip({{"net/data.pkl", sound}, {"net/byteorder", "big"}})), "big-endian"));
  CHECK(contains(refusal(zip({{"net/data.pkl", sound}})), "no member data/0"));
  std::string damaged = archive(sound);
  damaged[damaged.find("fc.weight")] ^= 1;
  CHECK(contains(refusal(damaged), "wrong checksum"));
  CHECK(contains(refused_pickle("N."), "no plain dictionary"));
  CHECK(contains(refused_pickle("}" + text("epoch") + "K\3s."), "\"epoch\" is no tensor"));
  CHECK(contains(refused_pickle("}K\1K\2s."), "no string"));
  CHECK(contains(refused_pickle(global("posix", "system") + "(" + text("true") + "tR."), "it would call posix.system"));
  CHECK(contains(refused_pickle(global("__main__", "Net") + ")\x81."), "Python objects"));
  CHECK(contains(refused_pickle("}(" + text("w") + tensor("FloatStorage", "0", 0, {1}, {1}) + text("w") +
                                tensor("FloatStorage", "0", 0, {1}, {1}) + "u."),
                 "\"w\" stands twice"));
  CHECK(contains(refused_pickle("}" + text("w") + tensor("ComplexFloatStorage", "0", 0, {1}, {1}) + "s."),
                 "numbers of type"));
  CHECK_THROWS_AS(StateDictFile::read("/nonexistent/weights.pt"), InputError);
  CHECK_THROWS_AS(StateDictFile::read("/tmp"), InputError);
}

TEST_CASE("state dictionary: tensors beyond their data are refused", "[state-dict]") {
  const auto shaped = [](int64_t offset, const std::vector<int64_t>& shape, const std::vector<int64_t>& stride) {
    return refused_pickle("}" + text("w") + tensor("FloatStorage", "0", offset, shape, stride) + "s.");
  };
  const int64_t huge = int64_t{1} << 62;
  CHECK(shaped(0, {6}, {1}) == "accepted");
  CHECK(shaped(0, {huge}, {0}) == "accepted");  // one number, repeated; nothing of that size is made
  CHECK(contains(shaped(0, {7}, {1}), "larger than its data"));
  CHECK(contains(shaped(6, {}, {}), "larger than its data"));
  CHECK(contains(shaped(1, {2, 3}, {3, 1}), "larger than its data"));
  CHECK(contains(shaped(0, {huge, huge}, {huge, huge}), "larger than its data"));
  CHECK(contains(shaped(0, {2, 2}, {huge, huge}), "larger than its data"));
  CHECK(contains(shaped(huge, {2}, {huge}), "do not fit"));
  CHECK(contains(shaped(-1, {2}, {1}), "do not fit"));
  CHECK(contains(shaped(0, {2}, {-1}), "negative"));
  CHECK(contains(shaped(0, {-2}, {1}), "negative"));
  CHECK(contains(shaped(0, {2, 3}, {1}), "do not fit"));
  CHECK(contains(shaped(0, std::vector<int64_t>(9, 1), std::vector<int64_t>(9, 1)), "of 9 numbers"));
}

TEST_CASE("state dictionary: torn and mad pickles are errors, not crashes", "[state-dict]") {
  for (size_t length = 0; length < sound.size(); ++length)
    CHECK(refusal(archive(sound.substr(0, length))) != "accepted");
  const std::string whole = archive(sound);
  for (size_t length = 0; length < whole.size(); ++length) CHECK(refusal(whole.substr(0, length)) != "accepted");
  for (size_t at = 0; at < sound.size(); ++at)  // every code and every count in turn
    for (const int value : {0x00, 0x28, 0x2e, 0x52, 0x71, 0x74, 0x75, 0x7f, 0xff}) {
      std::string changed = sound;
      changed[at] = static_cast<char>(value);
      refusal(archive(changed));
    }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0xFF);
    refusal(changed);
  }
  CHECK(contains(refused_pickle(std::string(2'000'000, ')') + "."), "more values"));
  CHECK(contains(refused_pickle(")" + std::string(900'000, '\x85') + "."), "no plain dictionary"));  // nested that deep
  CHECK(contains(refused_pickle("X\xff\xff\xff\xff"), "too early"));
  CHECK(contains(refused_pickle("h\x05."), "never kept"));
  CHECK(contains(refused_pickle("cmodule without an end"), "too early"));
}

TEST_CASE("state dictionary: the shipped weights", "[state-dict]") {
  for (const auto& entry : std::filesystem::directory_iterator(ALERT_SOURCE_DIR "/networks/fashion-mnist")) {
    if (entry.path().extension() != ".pt") continue;
    INFO(entry.path());
    const StateDictFile file = StateDictFile::read(entry.path().string());
    CHECK(file.tensors().size() > 100);
    CHECK(file.find("bn1.running_var") != nullptr);
    for (const StoredTensor& t : file.tensors()) CHECK(t.type == NumberType::float16);
  }
}
